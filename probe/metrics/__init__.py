"""Prometheus metrics: the exporter, its families, and the monitor's own."""
