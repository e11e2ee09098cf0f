"""Tests of alerts.notification.sender."""
