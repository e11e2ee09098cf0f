"""Several probes that look at the same target."""
