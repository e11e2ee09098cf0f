"""Scenarios with the real programs: daemons, Prometheus with the generated rules, Alertmanager."""
