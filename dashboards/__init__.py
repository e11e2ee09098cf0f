"""Dashboards for Grafana, made from signals and thresholds."""
