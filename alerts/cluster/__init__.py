"""Several probes that agree on what is failing and which of them notifies."""
