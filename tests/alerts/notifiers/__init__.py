"""Tests of alerts.notifiers."""
