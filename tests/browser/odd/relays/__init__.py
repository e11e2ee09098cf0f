"""Relays that are odd in what they refuse, when they answer, and what they carry."""
