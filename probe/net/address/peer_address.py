"""Entries of ``PROBE_PEERS``: the one parser of them.

An entry is the base URL of one probe (``http://10.0.0.1:9091``), or a name without scheme
that means every address it resolves to (``paircam-probe.internal``, ``probe:9000``,
``[fdaa::3]:9000``). The port of a name is 9091 unless it has another one.
"""

import ipaddress
import re
from typing import Annotated

from msgspec import Struct
from pydantic import AfterValidator

from probe.net.urls import check_base_url, split_urls

DEFAULT_PORT = 9091
EXAMPLE = f"http://HOST:{DEFAULT_PORT}, or a name like paircam-probe.internal"
_MAX_SHOWN = 80
# A host name, an IPv4 address, or an IPv6 address in brackets; then a port, which may be
# empty as in a URL (RFC 3986, 3.2.3).
_NAME_AND_PORT = re.compile(
    r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{0,5}))?"
)
# The name of an interface, as a URL can hold it (RFC 6874, ZoneID).
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")


class PeerAddress(Struct, frozen=True):
    """Where one entry leads. ``is_name``: it means every address of ``host``."""

    base_url: str
    host: str
    port: int
    is_name: bool


def parse_peer(entry: str) -> PeerAddress:
    """One entry. Raises ValueError that says what would be right and holds no password."""
    if "://" in entry:
        if "@" in entry:
            raise ValueError("an address here holds a password: PROBE_PEER_TOKEN is the key")
        url = check_base_url(entry)
        return PeerAddress(url, "", 0, is_name=False)
    host, port = _host_and_port(entry.strip())
    shown = f"[{host}]" if ":" in host else host
    return PeerAddress(f"http://{shown}:{port}", host, port, is_name=True)


def parse_peers(text: str) -> tuple[PeerAddress, ...]:
    """All entries of the variable, in order. Raises ValueError for the first wrong one."""
    return tuple(parse_peer(entry) for entry in split_urls(text))


def check_peers(text: str) -> str:
    """The variable's value unchanged. Raises ValueError that says what would be right."""
    parse_peers(text)
    return text


def check_peer(entry: str) -> str:
    """One entry unchanged. Raises ValueError that says what would be right."""
    parse_peer(entry)
    return entry


PeerEntries = Annotated[str, AfterValidator(check_peers)]
PeerEntry = Annotated[str, AfterValidator(check_peer)]


def _host_and_port(text: str) -> tuple[str, int]:
    if _is_ip(text):
        return text, DEFAULT_PORT
    parts = _NAME_AND_PORT.fullmatch(text)
    if parts is None:
        raise _not_an_address(text)
    port = int(parts["port"] or DEFAULT_PORT)
    host = parts["v6"] or parts["name"]
    is_host = _is_ip(host) if parts["v6"] else _is_ip(host) or _is_host_name(host)
    if not is_host or not 0 < port < 65536:
        raise _not_an_address(text)
    return host, port


def _is_ip(text: str) -> bool:
    address, has_zone, zone = text.partition("%")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    return not has_zone or (version == 6 and _ZONE.fullmatch(zone) is not None)


def _is_host_name(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    # 127.1 and 1.2.3 are addresses for some resolvers and names for others.
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def _not_an_address(text: str) -> ValueError:
    shown = "".join(each for each in text.rpartition("@")[2] if each.isprintable())
    return ValueError(f"'{shown[:_MAX_SHOWN]}' is not an address: write {EXAMPLE}")
