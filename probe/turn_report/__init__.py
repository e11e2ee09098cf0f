"""``probe turn``: everything that can be found out about one TURN server, without configuration."""
