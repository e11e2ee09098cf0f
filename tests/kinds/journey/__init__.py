"""Tests of kinds.journey."""
