"""X.509 certificates (RFC 5280), as far as a monitor reads them after OpenSSL has verified them."""
