"""Whether a page of the application gets a token, and relays, of a backend of another origin."""
