"""The same conditions as rules for Prometheus, and as routes for Alertmanager.

    failure_rules.py        what fails, what has no data, and how many regions agree
    threshold_rules.py      values beyond their limits
    slo_rules.py            error budgets and their burn rates
    self_rules.py           the probe's own health
    rules.py                all of them, as a rules file
    alertmanager_config.py  an Alertmanager configuration that goes with it

Rules come from what the kinds declare, so they need no configuration and cover every kind.
"""
