"""Tests of kinds.telemetry."""
