"""Servers and credentials that a provider issues."""
