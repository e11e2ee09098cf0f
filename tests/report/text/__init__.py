"""Tests of report.text."""
