"""DNS rebinding: a page whose own name is made to resolve to this server, and which reads it then.

The browser takes such a page for one of this server's, so no rule on origins applies; the Host
header still has the foreign name (RFC 9110, 7.2). Scripts, scrapers and health checks are no
browsers and may use any name. A browser adds Sec-Fetch headers, which no page can set, only where
the address is trustworthy (https://w3c.github.io/webappsec-fetch-metadata/, 2): by https a
certificate has proved the name, as behind a proxy that ends TLS.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping

from msgspec import Struct

# Names that cannot be registered: RFC 6761, RFC 6762, RFC 8375, and ICANN's name for private use.
_RESERVED = ("localhost", "local", "test", "internal", "home.arpa")
_FETCH_METADATA = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")
# Browsers send the first with each request, and a page can't take it away.
_OF_BROWSERS = ("Accept-Language", "Origin", "Referer")
_PORT = re.compile(r":\d*\Z")
_EVERY = "*"


def host_name(header: str) -> str:
    """The name of a Host header, in lower case, without port, brackets and last dot."""
    return _PORT.sub("", header.strip()).strip("[]").lower().removesuffix(".")


class OwnHosts(Struct, frozen=True):
    """The names that this server has for browsers, besides addresses, names of one label and those
    that cannot be registered. ``patterns`` may begin with ``*.``; ``*`` is every name."""

    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> "OwnHosts":
        """Of the names and patterns that are configured, and this machine's name."""
        found = {host_name(each) for each in (*allowed, socket.gethostname())} - {""}
        patterns = {each for each in found if each.startswith(_EVERY)}
        return cls(frozenset(found - patterns), tuple(patterns))

    def has(self, header: str) -> bool:
        """Whether a Host header names this server, or is none that a stranger could own."""
        name = host_name(header)
        if not name:
            return False
        if _is_address(name) or "." not in name or name in self.names:
            return True
        if any(name.endswith(f".{each}") for each in _RESERVED):
            return True
        return any(_matches(name, pattern) for pattern in self.patterns)

    def is_rebound(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser sends this for a page that has a foreign name without TLS."""
        if any(each in headers for each in _FETCH_METADATA):
            return False
        return is_browser(headers) and not self.has(headers.get("Host", ""))


def is_browser(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent these headers, whatever its page has set."""
    if any(each in headers for each in _OF_BROWSERS):
        return True
    return headers.get("User-Agent", "").startswith("Mozilla/")


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in (_EVERY, name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
