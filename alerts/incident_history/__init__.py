"""Incidents as they are kept: what fired together, and who was notified of it when."""
