"""Tests of alerts.silence."""
