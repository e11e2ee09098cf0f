"""probe.toml and environment variables, read into a plan of checks."""
