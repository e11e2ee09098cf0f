"""Queries of the members and their answers."""
