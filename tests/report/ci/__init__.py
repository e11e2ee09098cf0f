"""Tests of report.ci."""
