"""Tables of configuration files."""
