"""Limits of what comes over a connection."""
