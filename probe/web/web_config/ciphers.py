"""Names of cipher suites: Go's, which the file has, and OpenSSL's."""

import re

_GO_CIPHER = re.compile(r"TLS_(ECDHE_)?(RSA|ECDSA)_WITH_(AES_\d+|CHACHA20_POLY1305)_?(.*)\Z")
_GO_13 = re.compile(r"TLS_(AES_\d+_GCM|CHACHA20_POLY1305)_SHA\d+\Z")


def openssl_cipher(name: str) -> str | None:
    """OpenSSL's name of a suite of TLS 1.2 that Go knows; None for a suite of TLS 1.3, which
    are always on, as in Go. Raises ValueError for a name that is none."""
    if _GO_13.match(name):
        return None
    found = _GO_CIPHER.match(name)
    if found is None:
        raise ValueError(f"{name} is not a cipher suite of TLS 1.2: see Go's crypto/tls")
    exchange, signature, cipher, rest = found.groups()
    cipher = cipher.replace("_POLY1305", "-POLY1305").replace("AES_", "AES")
    rest = rest.removeprefix("SHA256") if "CHACHA20" in cipher else rest
    rest = rest.removeprefix("CBC_").replace("_", "-")
    parts = [exchange and "ECDHE", signature if exchange else None, cipher, rest]
    return "-".join(part for part in parts if part)
