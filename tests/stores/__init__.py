"""Instruments for databases and caches."""
