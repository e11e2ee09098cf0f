"""Tests of ``probe turn``."""
