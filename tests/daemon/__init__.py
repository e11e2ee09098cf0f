"""Tests of the long-running side."""
