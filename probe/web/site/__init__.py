"""The pages that people read, and the events that keep open ones up to date."""
