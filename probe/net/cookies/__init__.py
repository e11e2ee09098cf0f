"""Cookies as browsers keep and send them (RFC 6265bis), and the sites that they are of."""
