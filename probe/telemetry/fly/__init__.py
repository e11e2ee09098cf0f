"""Fly.io: its Prometheus and Machines APIs."""
