"""TURN URLs (RFC 7065): read, checked, and written in one form."""

import ipaddress
import re
from typing import Literal

from msgspec import Struct

Scheme = Literal["turn", "turns"]
Transport = Literal["udp", "tcp"]
TransportProtocol = Literal["udp", "tcp", "tls"]

TRANSPORTS: tuple[TransportProtocol, ...] = ("udp", "tcp", "tls")
"""The transports, in the order in which a browser prefers them."""

# A host without a scheme.
_BARE = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?")
DEFAULT_PORTS: dict[str, int] = {"turn": 3478, "turns": 5349}

_SEPARATORS = re.compile(r"[\s,;]+")
_NAME = re.compile(r"[\w.-]+")
_SHAPE = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,}")
_STUN = ("stun:", "stuns:")


class TurnUri(Struct, frozen=True):
    """One TURN server by one transport; ``host`` is a name or an address without brackets."""

    scheme: Scheme
    host: str
    port: int
    transport: Transport

    @property
    def kind(self) -> TransportProtocol:
        """The transport: ``udp``, ``tcp`` or ``tls``."""
        return "tls" if self.scheme == "turns" else self.transport

    def __str__(self) -> str:
        return f"{self.scheme}:{format_hostport(self.host, self.port)}?transport={self.transport}"


class UrlList(Struct, frozen=True):
    """What a list of URLs holds; ``ignored`` are the STUN servers that browsers' lists carry."""

    urls: tuple[TurnUri, ...]
    ignored: tuple[str, ...] = ()


def format_hostport(host: str, port: int) -> str:
    """Host and port in one, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_turn_url(text: str) -> TurnUri:
    """Read one URL. Raises ValueError, whose text says what would be right."""
    scheme, colon, rest = text.strip().partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in DEFAULT_PORTS:
        raise ValueError("must begin with turn: or turns:")
    if rest.startswith("//"):
        raise ValueError(f"write {scheme}:HOST:PORT, without //")
    if "@" in rest:
        raise ValueError("a user name or password does not belong in the URL")
    address, mark, query = rest.partition("?")
    host, port = _host_and_port(address, DEFAULT_PORTS[scheme])
    transport = _transport(scheme, query if mark else None)
    return TurnUri("turns" if scheme == "turns" else "turn", host, port, transport)


def parse_stun_url(text: str) -> TurnUri:
    """Read ``stun:HOST`` or ``stun:HOST:PORT`` (RFC 7064) as a server by UDP.

    Raises ValueError, whose text says what would be right.
    """
    scheme, colon, rest = text.strip().partition(":")
    if not colon or scheme.lower() != "stun":
        raise ValueError("must begin with stun:")
    if "?" in rest or "@" in rest or rest.startswith("//"):
        raise ValueError("write stun:HOST:PORT and nothing else")
    return TurnUri("turn", *_host_and_port(rest, DEFAULT_PORTS["turn"]), "udp")


def parse_host(text: str) -> str:
    """A host alone, an IPv6 address with or without brackets; returned without.

    Raises ValueError, whose text says what would be right.
    """
    try:
        return str(ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        if _NAME.fullmatch(text.strip()):
            return text.strip()
    raise ValueError("must be a host name or an address alone, without scheme and port")


def split_urls(text: str) -> list[str]:
    """The entries of a list that is separated by commas, semicolons or white space."""
    return [entry for entry in _SEPARATORS.split(text) if entry]


def parse_url_list(text: str) -> UrlList:
    """Read a list; a URL given twice counts once.

    Raises ValueError that names every wrong entry by its number.
    """
    urls: dict[TurnUri, None] = {}
    ignored: list[str] = []
    wrong: list[str] = []
    for number, entry in enumerate(split_urls(text), 1):
        if entry.lower().startswith(_STUN):
            ignored.append(entry)
            continue
        try:
            urls[parse_turn_url(entry)] = None
        except ValueError as error:
            wrong.append(f"entry {number} {_shown(entry)}: {_meant(entry) or error}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return UrlList(tuple(urls), tuple(ignored))


def _meant(entry: str) -> str:
    """What to write instead of what other programs take; empty if it is none of that."""
    if entry[:1] in "[{\"'" or entry[-1:] in "]}\"'":
        return "write URLs with blanks between them, without brackets and quotes"
    if entry.lower().startswith("transport="):
        return f"write ?{entry} at the end of a URL, without a blank or semicolon before it"
    if _BARE.fullmatch(entry):
        return f"write turn:{entry}"
    return ""


def _host_and_port(address: str, default_port: int) -> tuple[str, int]:
    found = _SHAPE.fullmatch(address)
    if found is None or _BARE_IPV6.fullmatch(address):
        raise ValueError("write an IPv6 address in brackets, as in turn:[::1]:3478")
    port = default_port if found["port"] is None else _port(found["port"])
    return _host(found["host"]), port


def _host(text: str) -> str:
    if not text:
        raise ValueError("the host is missing")
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("an address in brackets must be IPv6") from None
    if not _NAME.fullmatch(text):
        raise ValueError("the host must be a name or an address")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError("the port must be 1 to 65535")
    return int(text)


def _transport(scheme: str, query: str | None) -> Transport:
    if query is None:
        return "tcp" if scheme == "turns" else "udp"
    key, _, value = query.partition("=")
    if key.lower() != "transport" or value.lower() not in ("udp", "tcp"):
        raise ValueError("only ?transport=udp or ?transport=tcp may follow the port")
    # turns: is TLS over TCP whatever its transport, as in browsers, which don't speak DTLS
    # to a server (RFC 7350).
    return "tcp" if value.lower() == "tcp" or scheme == "turns" else "udp"


def _shown(entry: str) -> str:
    """The entry for display, without what may be a password or a key."""
    head, at, tail = entry.rpartition("@")
    visible = f"{head.partition(':')[0]}:…@{tail}" if at else entry
    address, mark, query = visible.partition("?")
    if mark and not query.lower().startswith("transport="):
        visible = f"{address}?…"
    return f"'{visible[:120]}'"
