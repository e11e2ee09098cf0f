"""Tests of alerts.outbox."""
