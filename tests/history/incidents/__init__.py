"""Incidents, annotations and announcements in history."""
