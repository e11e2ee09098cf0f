"""ICE (RFC 8445): agents and transports over host and relay candidates."""
