"""Tests of the daemon's own pages."""
