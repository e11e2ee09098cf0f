"""Tests of kinds.stores."""
