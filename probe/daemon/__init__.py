"""The daemon: keeps checks running, and serves their state."""
