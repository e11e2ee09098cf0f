"""Self-monitoring of the daemon: its tasks, its starts, its clock, its resources."""
