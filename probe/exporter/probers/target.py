"""Targets as people write them, for each prober."""

import ipaddress
import re

from probe.net.urls import check_http_url
from probe.stun.uri import (
    TransportProtocol,
    TurnUri,
    parse_stun_url,
    parse_turn_url,
)

_HOST = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
# Python's own takes anything there, brackets and a port too.
_ZONE = re.compile(r"[\w.-]{1,15}", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def http_target(text: str, *, scheme: str = "http") -> str:
    """A web address; one without a scheme is ``http``, as for blackbox_exporter.

    Raises ValueError that says what would be right.
    """
    address = text if _SCHEME.match(text) else f"{scheme}://{text}"
    return check_http_url(address.partition("#")[0])


def websocket_target(text: str) -> str:
    """A WebSocket address as the web address of its handshake. Raises ValueError."""
    scheme, mark, rest = text.partition("://")
    plain = {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme)
    return http_target(f"{plain}{mark}{rest}" if mark else text)


def split_hostport(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``, an IPv6 address in brackets. Raises ValueError."""
    head, _, tail = text.rpartition(":")
    is_bare_ipv6 = ":" in head and not (head.startswith("[") and head.endswith("]"))
    if not head or is_bare_ipv6 or not (tail.isascii() and tail.isdigit()):
        raise ValueError("write HOST:PORT, an IPv6 address in brackets as in [::1]:443")
    if len(tail) > 5 or not 1 <= int(tail) <= 65535:
        raise ValueError("the port must be 1 to 65535")
    return check_host(head), int(tail)


def hostport(text: str, default: int) -> tuple[str, int]:
    """The same where a host alone is enough. Raises ValueError."""
    try:
        return check_host(text), default
    except ValueError:
        return split_hostport(text)


def check_host(text: str) -> str:
    """A host name or address without brackets. Raises ValueError."""
    bare = text.removeprefix("[").removesuffix("]")
    if "%" in bare and not _ZONE.fullmatch(bare.partition("%")[2]):
        raise ValueError("the zone after % must be an interface, as in [fe80::1%eth0]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        if _HOST.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text):
            return text
    raise ValueError("the host must be a name or an address")


def stun_target(text: str) -> TurnUri:
    """``stun:HOST:PORT`` or ``HOST:PORT``. Raises ValueError."""
    if text.lower().startswith("stun:"):
        return parse_stun_url(text)
    return parse_stun_url(f"stun:{_bracketed(text)}")


def turn_target(text: str, transport: TransportProtocol | None) -> TurnUri:
    """A TURN URI, or ``HOST:PORT`` where the module has a transport.

    Raises ValueError for a URI of another transport than the module's.
    """
    if text.lower().startswith(("turn:", "turns:")):
        found = parse_turn_url(text)
        if transport is not None and found.kind != transport:
            raise ValueError(f"the URI is of {found.kind}, and the module of {transport}")
        return found
    scheme = "turns" if transport == "tls" else "turn"
    suffix = "?transport=tcp" if transport in ("tcp", "tls") else ""
    return parse_turn_url(f"{scheme}:{_bracketed(text)}{suffix}")


def _bracketed(text: str) -> str:
    """An IPv6 address without brackets gets them."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return text
    return f"[{text}]"
