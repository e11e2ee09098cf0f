"""Incidents of the past, annotations and announcements: what is kept of them, and for how long."""
