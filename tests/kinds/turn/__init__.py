"""Tests of kinds.turn."""
