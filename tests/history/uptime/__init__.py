"""Uptime by time, against a computation of its own."""
