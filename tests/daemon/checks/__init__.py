"""Real daemons with one kind of check."""
