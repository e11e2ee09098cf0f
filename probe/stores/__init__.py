"""Instruments for what keeps the application's data: databases and caches."""
