"""Judges what was measured and tells whom it concerns."""
