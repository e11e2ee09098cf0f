"""Logging, redaction of secrets, Sentry and the dead man's switch."""
