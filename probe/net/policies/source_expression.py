"""Source expressions of a Content-Security-Policy against an address (W3C CSP3, 6.7.2)."""

import re

from msgspec import Struct
from yarl import URL

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SOURCE = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)"
    r"(?::([0-9]+|\*))?(?:(/[^?#]*)(?:[?#].*)?)?",
    re.IGNORECASE,
)
_NETWORK = ("http", "https", "ws", "wss")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
# A scheme stands for itself and its safer form, and that of the page, by 'self', for sockets too.
_SAFER = {"http": ("https",), "ws": ("wss",)}
_OF_SELF = {"http": ("http", "https", "ws", "wss"), "https": ("https", "wss")}


class Source(Struct, frozen=True):
    """Empty parts are not named."""

    scheme: str
    host: str = ""
    port: str = ""
    path: str = ""


def is_source(word: str) -> bool:
    """Whether it names any place that scripts may be from."""
    return word.lower() == "'self'" or _parse(word) is not None


def permits_source(word: str, address: URL, page: URL) -> bool:
    """Whether a word of a policy of ``page`` permits the address."""
    if word.lower() == "'self'":
        return _is_self(address, page)
    if not ("*" in word or word.endswith(":") or (address.raw_host or "") in word.lower()):
        return False  # nearly all, without reading them
    source = _parse(word)
    if source is None:
        return False
    if source.host == "*" and not (source.scheme or source.port or source.path):
        return address.scheme in _NETWORK or address.scheme == page.scheme
    if not _scheme_matches(source.scheme or page.scheme, address.scheme):
        return False
    if not source.host:
        return True
    return (
        _host_matches(source.host, address.raw_host or "")
        and _port_matches(source, address, page)
        and _path_matches(source.path, address)
    )


def _parse(word: str) -> Source | None:
    if found := _SCHEME.fullmatch(word):
        return Source(found[1].lower())
    if found := _SOURCE.fullmatch(word):
        return Source((found[1] or "").lower(), found[2].lower(), found[3] or "", found[4] or "")
    return None


def _is_self(address: URL, page: URL) -> bool:
    if (address.raw_host or "").lower() != (page.raw_host or "").lower():
        return False
    if address.scheme not in _OF_SELF.get(page.scheme, ()):
        return False
    both_default = _is_default(address) and _is_default(page)
    return address.port == page.port or both_default


def _scheme_matches(allowed: str, scheme: str) -> bool:
    return allowed == scheme or scheme in _SAFER.get(allowed, ())


def _host_matches(pattern: str, host: str) -> bool:
    host = host.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


def _port_matches(source: Source, address: URL, page: URL) -> bool:
    if source.port == "*":
        return True
    if not source.port:
        return _is_default(address)
    is_safer = (source.scheme or page.scheme) != address.scheme
    if int(source.port) == _port_of(address):
        return not is_safer or _is_default(address)
    return is_safer and int(source.port) == 80 and _port_of(address) == 443


def _path_matches(pattern: str, address: URL) -> bool:
    """A path that ends in a slash stands for all that is below it."""
    if pattern in ("", "/"):
        return True
    wanted = URL.build(path=pattern, encoded=True).path
    return address.path.startswith(wanted) if wanted.endswith("/") else address.path == wanted


def _is_default(address: URL) -> bool:
    return _port_of(address) == _PORTS.get(address.scheme)


def _port_of(address: URL) -> int | None:
    return address.explicit_port or _PORTS.get(address.scheme)
