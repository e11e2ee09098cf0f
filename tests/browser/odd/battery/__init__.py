"""Odd answers of signaling, TURN and STUN servers, kept as data with Chromium's outcome."""
