"""Visits of several requests: kept connections, and what binds later ones (HSTS, Alt-Svc)."""
