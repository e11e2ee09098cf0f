"""Tokens as the backend signs them: HS256 (RFC 7515; RFC 7518, section 3.2).

PyJWT loads cryptography's serialization and bcrypt with it, for keys that no HS256 has: 0.8 MB and
15 ms of CPU at each start.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

_HEADER = {"alg": "HS256", "typ": "JWT"}


def signed(claims: Mapping[str, object], key: bytes) -> str:
    """A token with these claims."""
    text = signing_input(_HEADER, claims)
    return f"{text}.{_encoded(hmac.digest(key, text.encode(), hashlib.sha256))}"


def signing_input(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """What a signature is made of: header and claims, and the dot between them."""
    return ".".join(
        _encoded(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims)
    )


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
