"""Which probes send to a receiver: each message carries a mark of its sender."""
