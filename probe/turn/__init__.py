"""TURN (RFC 8656): the client, allocations and measurements through them."""
