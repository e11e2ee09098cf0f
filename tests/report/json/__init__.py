"""Tests of report.json."""
