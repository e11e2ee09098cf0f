"""Servers that behave oddly, beside Chromium: what it makes of them, and what the probe says."""
