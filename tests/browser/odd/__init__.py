"""Servers that behave oddly, and Chromium: what it makes of them, and what the probe says."""
