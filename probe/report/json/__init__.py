"""Reports and status as JSON."""
