"""Tests of turn_targets."""
