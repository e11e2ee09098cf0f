"""Tests of kinds.http."""
