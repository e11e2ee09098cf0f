"""Evaluates results, keeps the state of alerts and notifies receivers."""
