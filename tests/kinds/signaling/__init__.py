"""Tests of kinds.signaling."""
