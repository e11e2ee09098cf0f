"""Tests of paircam."""
