"""Cross-origin requests as a browser applies them (Fetch standard, CORS protocol)."""

import re
from collections.abc import Mapping
from typing import Annotated, Protocol

from msgspec import Struct
from pydantic import AfterValidator
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.urls import check_http_url, split_urls

PHASE = "cors"
SAFELISTED_METHODS = ("GET", "HEAD", "POST")
"""Methods that need no permission of their own."""
ALLOW_ORIGIN, ALLOW_CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
TWICE_HINT = (
    "Browsers block an answer with two Access-Control-Allow-Origin values: let either the proxy "
    "or the application set it."
)


_WRITTEN = re.compile(r"([A-Z]+) (/\S*)(?: ([a-z0-9-]+(?:,[a-z0-9-]+)*))?\Z")


class Headers(Protocol):
    """Headers of a response, with all values of one that repeats."""

    def getall(self, key: str, default: list[str]) -> list[str]:
        """The values of a header."""


def origin_of(url: str | URL) -> str:
    """The origin of an address (RFC 6454): scheme, host, and a port that isn't the scheme's."""
    return str(URL(url).with_user(None).origin())


def is_cross_origin(url: str, origin: str | None) -> bool:
    """Whether a page of ``origin`` needs CORS to read ``url``."""
    return origin is not None and origin_of(url) != origin


def first_origin(*sources: str | None) -> str | None:
    """The first web address among comma-separated lists, as an origin; ``*`` names none."""
    for source in sources:
        for each in split_urls(source):
            try:
                return origin_of(check_http_url(each))
            except ValueError:
                continue
    return None


def check_allowed(headers: Headers, origin: str, host: str, *, credentials: bool = False) -> None:
    """Raise CheckFailed(cors_rejected) where a browser keeps the answer from pages of ``origin``.

    ``credentials``: whether the page sends cookies along.
    """
    values = [each.strip(" \t") for each in headers.getall(ALLOW_ORIGIN, [])]
    allowed = ", ".join(values)
    if credentials:
        passes = headers.getall(ALLOW_CREDENTIALS, []) == ["true"] and allowed == origin
    else:
        passes = allowed in ("*", origin)
    if passes:
        return
    if not values:
        finding = f"sends no {ALLOW_ORIGIN}"
    elif credentials and allowed in ("*", origin):
        finding = f"does not allow credentials ({ALLOW_CREDENTIALS})"
    else:
        finding = f"allows {_short(allowed)}"
    message = f"browsers on {origin} can't read {host}: it {finding}"
    hint = TWICE_HINT if len(values) > 1 or "," in allowed else None
    raise CheckFailed(Cause.CORS_REJECTED, message, phase=PHASE, hint=hint)


def origin_header(origin: str | None) -> Mapping[str, str]:
    """What a browser adds to a cross-origin request."""
    return {} if origin is None else {"Origin": origin}


class Preflight(Struct, frozen=True):
    """A request that pages make: its method, its path, and the names of headers that need
    permission, in lower case."""

    method: str
    path: str
    headers: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether a browser asks before it makes this request at another origin."""
        return bool(self.headers) or self.method not in SAFELISTED_METHODS

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def parse_preflight(text: str) -> Preflight:
    """``METHOD /path [header,header]``. Raises ValueError."""
    found = _WRITTEN.match(text)
    if found is None:
        raise ValueError(
            f"{text[:80]!r} is not METHOD /path header,header, such as "
            "'POST /auth/token content-type'"
        )
    names = sorted(found[3].split(",")) if found[3] else []
    return Preflight(found[1], found[2], tuple(names))


def _checked(text: str) -> str:
    parse_preflight(text)
    return text


def _short(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:100])


def _origin(url: str) -> str:
    return origin_of(check_http_url(url))


# Types for the fields of tables.
Origin = Annotated[str, AfterValidator(_origin)]
PreflightText = Annotated[str, AfterValidator(_checked)]
