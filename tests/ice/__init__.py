"""Tests of ice."""
