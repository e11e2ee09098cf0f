"""STUN (RFC 8489): transports, messages, transactions, URIs, credentials."""
