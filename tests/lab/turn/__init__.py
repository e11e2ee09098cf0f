"""Tests of lab.turn."""
