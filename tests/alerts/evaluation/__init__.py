"""Tests of alerts.evaluation."""
