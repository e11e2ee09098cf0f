"""Prometheus and what stands around a scrape."""
