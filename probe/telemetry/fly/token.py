"""Fly.io's tokens, in both forms that operators have.

``fly tokens create`` prints ``FlyV1 fm2_…``, scheme included; ``fly auth token`` prints a bare
one. https://fly.io/docs/security/tokens/.
"""

import re

SCHEMES = ("FlyV1", "Bearer")
# Macaroons; every other token is a bearer's.
_MACAROON = re.compile(r"^fm\d[a-z]?_")
_GOOD = re.compile(r"^[!-~]{8,8192}$")


def split_token(text: str) -> tuple[str, str]:
    """(scheme, bare token) of what an operator has pasted, however often the scheme is there.

    Raises ValueError, which does not repeat the token.
    """
    scheme, bare = "", text.strip()
    while (scheme_prefix := bare.partition(" ")[0]) in SCHEMES:
        scheme, bare = scheme_prefix, bare.removeprefix(scheme_prefix).lstrip()
    if not _GOOD.match(bare):
        raise ValueError(
            "this is not a token: paste what fly tokens create readonly printed, as it is"
        )
    return scheme or ("FlyV1" if _MACAROON.match(bare) else "Bearer"), bare
