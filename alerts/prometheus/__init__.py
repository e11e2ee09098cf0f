"""The probe's verdicts as rules for Prometheus, and as routes for Alertmanager.

    alert_rules.py          this region's alerts, how many regions agree, and what is named how
    slo_rules.py            error budgets and their burn rates
    self_rules.py           the probe's own health
    annotations.py          what an alert says: cause, phase, status, address, runbook
    rules.py                all of them, as a rules file
    alertmanager_config.py  an Alertmanager configuration that goes with it

The daemon judges (``probe_alert_severity``), the rules count regions. So they are generic, need
no configuration, and every limit and ``for`` of ``probe.toml`` counts.
"""
