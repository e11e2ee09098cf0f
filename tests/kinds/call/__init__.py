"""Tests of kinds.call."""
