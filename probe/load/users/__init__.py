"""Synthetic users: their steps, one iteration after the other."""
