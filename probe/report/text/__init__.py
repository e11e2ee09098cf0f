"""Reports and phrases as plain text."""
