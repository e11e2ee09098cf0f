"""Tests of alerts.state."""
