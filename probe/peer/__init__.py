"""Calls to probes elsewhere: offers, answers and their measurement."""
