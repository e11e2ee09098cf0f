"""``localhost``, at which the two families of addresses behave differently (RFC 8305)."""
