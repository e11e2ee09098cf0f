"""TURN servers that behave oddly, and what Chromium and the probe make of each."""
