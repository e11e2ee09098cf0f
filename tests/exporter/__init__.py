"""Tests of ``/probe``."""
