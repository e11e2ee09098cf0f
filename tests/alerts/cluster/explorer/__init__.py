"""Exhaustive search of a small model of a cluster."""
