"""Instruments that turn and call share."""
