"""HTTP proxies, taken from the environment alike for checks, heartbeat and notifiers.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in either case, as curl and
Python's own ``urllib`` read them. Nothing else of the environment is taken: above all no
``.netrc``, from which aiohttp's ``trust_env`` would send passwords to any server. What
is on this machine is reached directly. STUN, TURN, Redis and Postgres know no HTTP proxy.
"""

import ipaddress
import os
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from probe.net.proxies.exceptions import is_excepted

SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
DEFAULT_PORT = 80
PROXY_LOGIN = 407
_ENVIRONMENT_ALONE = os.supports_bytes_environ and sys.platform != "darwin"
HINT = (
    "The environment names this proxy: correct HTTP_PROXY or HTTPS_PROXY, or name the host in "
    "NO_PROXY."
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy: ``HOST:PORT`` for people, and its address, which may hold a password."""

    host: str
    url: str = field(repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or DEFAULT_PORT

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What a request to it carries: its login, if it has one (RFC 9110, 11.7.2)."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return []
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return [("Proxy-Authorization", f"Basic {b64encode(login.encode()).decode()}")]

    @property
    def options(self) -> dict[str, Any]:
        """What an aiohttp request takes."""
        return {"proxy": self.url}


def proxy_for(url: str) -> Proxy | None:
    """The proxy that leads to an address; None where it is reached directly."""
    scheme = _named_scheme(url)
    if scheme is None or not _may_name_any():
        return None
    from urllib.request import proxy_bypass

    known = _named()
    address = known.get(scheme) or known.get("all")
    if not address or not _is_usable(address):
        return None
    parts = urlsplit(url)
    if is_excepted(parts, known.get("no", "")) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return _proxy(address)


@lru_cache(maxsize=1024)
def _named_scheme(url: str) -> str | None:
    """The scheme whose proxy leads to an address; None for what is always reached directly."""
    parts = urlsplit(url)
    if not parts.hostname or is_loopback(parts.hostname):
        return None
    return SCHEMES.get(parts.scheme.lower())


def _may_name_any() -> bool:
    """Whether there can be a proxy at all: reading the whole environment takes 40 µs, and runs for
    each check. macOS and Windows have them in their settings too."""
    if not _ENVIRONMENT_ALONE:
        return True
    return any(name[-6:].lower() == b"_proxy" for name in os.environb)


def _named() -> dict[str, str]:
    """The proxies' addresses, by scheme. urllib.request loads http.client and email with it."""
    if not _may_name_any():
        return {}
    from urllib.request import getproxies

    return getproxies()


def options_for(url: str) -> dict[str, Any]:
    """The same as options of an aiohttp request; none where it is reached directly."""
    proxy = proxy_for(url)
    return proxy.options if proxy else {}


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def are_configured() -> bool:
    """Whether the environment names any proxy that is used."""
    named = (_named().get(name, "") for name in ("http", "https", "all"))
    return any(address and _is_usable(address) for address in named)


def proxies_text() -> str:
    """Which proxies are used for what, in one sentence; empty where there are none."""
    used = {
        _proxy(address).host
        for name, address in _named().items()
        if name in ("http", "https", "all") and _is_usable(address)
    }
    if not used:
        return ""
    which = " and ".join(sorted(used))
    return (
        f"HTTP and WebSocket checks, heartbeat and notifiers go through the proxy {which}; "
        "STUN, TURN, Redis and Postgres are reached directly"
    )


def passwords() -> set[str]:
    """The proxies' passwords, to be kept out of texts."""
    found: set[str] = set()
    for address in _named().values():
        try:
            password = urlsplit(address).password or ""
        except ValueError:
            continue
        found |= {password, unquote(password)} - {""}
    return found


def warnings() -> list[str]:
    """What is wrong with the proxies of the environment; they are not used."""
    return [
        f"{name.upper()}_PROXY: only http:// proxies can be used, this one is ignored"
        for name, address in sorted(_named().items())
        if name in ("http", "https", "all") and not _is_usable(address)
    ]


def _proxy(address: str) -> Proxy:
    url = address if "://" in address else f"http://{address}"
    return Proxy(urlsplit(url).netloc.rpartition("@")[2], url)


def _is_usable(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        return parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
