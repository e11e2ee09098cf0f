"""Which probes send to a receiver."""
