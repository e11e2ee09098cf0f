"""The tests mirror the packages; `servers` holds the real servers they talk to."""
