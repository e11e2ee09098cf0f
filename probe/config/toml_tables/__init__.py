"""``probe.toml`` as raw tables, within limits, and what to do about what is no TOML."""
