"""Tests of alerts.notification."""
