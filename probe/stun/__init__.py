"""STUN (RFC 8489): the wire format of what TURN and ICE are made of."""
