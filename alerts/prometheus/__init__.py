"""The same judging as rules for Prometheus, and as routes for Alertmanager.

    checks.py      what fails, what has no data, and how many regions agree
    limits.py      values beyond their limits
    objectives.py  error budgets and their burn rates
    itself.py      the probe's own health
    rules.py       all of them, as a rules file
    routing.py     an Alertmanager configuration that goes with it

Rules come from what the kinds declare, so they need no configuration and cover every kind.
"""
