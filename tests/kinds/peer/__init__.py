"""Tests of kinds.peer."""
