"""Measures what the README claims; prints, never judges."""
