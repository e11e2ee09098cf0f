"""Headers that a page's script adds to a request: which a browser sends, and which need permission.

The Fetch standard's forbidden and CORS-safelisted request-headers (2.2.2), as Chromium has them.
"""

import re
from collections.abc import Mapping

_FORBIDDEN = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)
_FORBIDDEN_BEGINNINGS = ("proxy-", "sec-")
_OVERRIDES = ("x-http-method", "x-http-method-override", "x-method-override")
_FORBIDDEN_METHODS = ("CONNECT", "TRACE", "TRACK")
# Chromium's own: what it would send as a client hint.
_HINTS = frozenset(
    {"device-memory", "dpr", "downlink", "ect", "rtt", "save-data", "viewport-width"}
)
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_MAX_BYTES = 128
_UNSAFE_BYTES = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGES = re.compile(r"[0-9A-Za-z *,\-.;=]*")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that a script may set; a browser drops the others without a word."""
    return {name: value for name, value in headers.items() if not _is_forbidden(name, value)}


def combine(headers: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """One more, as ``XMLHttpRequest.setRequestHeader`` adds it to one of the same name."""
    given = {each.lower(): each for each in headers}
    known = given.get(name.lower())
    if known is None:
        return {**headers, name: value}
    return {**headers, known: f"{headers[known]}, {value}"}


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """The others; ``name`` is in lower case."""
    return {each: value for each, value in headers.items() if each.lower() != name}


def names_needing_permission(headers: Mapping[str, str]) -> tuple[str, ...]:
    """In lower case and sorted, as a preflight lists them."""
    needing = (name.lower() for name, value in headers.items() if not _is_safelisted(name, value))
    return tuple(sorted(needing))


def _is_forbidden(name: str, value: str) -> bool:
    low = name.lower()
    if low in _OVERRIDES:
        return any(each.strip().upper() in _FORBIDDEN_METHODS for each in value.split(","))
    return low in _FORBIDDEN or low.startswith(_FORBIDDEN_BEGINNINGS)


def _is_safelisted(name: str, value: str) -> bool:
    low = name.lower()
    if low in _HINTS:
        return True
    if len(value.encode()) > _MAX_BYTES:
        return False
    match low:
        case "accept":
            return not _UNSAFE_BYTES.search(value)
        case "accept-language" | "content-language":
            return _LANGUAGES.fullmatch(value) is not None
        case "content-type":
            essence = value.partition(";")[0].strip(" \t").lower()
            return not _UNSAFE_BYTES.search(value) and essence in _FORM_TYPES
        case "range":
            found = _RANGE.fullmatch(value)
            return found is not None and (not found[2] or int(found[1]) <= int(found[2]))
    return False
