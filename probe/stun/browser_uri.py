"""Which STUN and TURN URLs Chromium takes, and which ports it never asks.

``RTCPeerConnection`` throws for a whole list in which one URL is wrong: no call is possible then.
What is written here was seen of Chromium, and a test asks it again.
"""

import ipaddress
import re
from collections.abc import Iterable

from probe.net.address.ranges import is_literal
from probe.net.address.unsafe_ports import UNSAFE_PORTS
from probe.stun.uri import DEFAULT_PORTS, TurnUri

MAX_USERNAME = 509
"""Bytes (RFC 8489, 14.3); a credential may have any length."""
MAX_RELAYS = 32
"""So many TURN servers Chromium gathers on (libwebrtc's ``kMaxTurnServers``)."""
_SCHEMES = ("stun", "stuns", "turn", "turns")
# What the URL standard takes away at the ends, and everywhere.
_ENDS = "".join(map(chr, range(0x21)))
_NOWHERE = str.maketrans("", "", "\t\n\r")
# No part of a reg-name (RFC 3986, 3.2.2); letters beyond ASCII and control characters are escaped.
_NO_HOST = frozenset('"<>[]\\^`{|}')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOOKED_UP = re.compile(r"[a-z0-9._-]+")
# Of an IPv4 address in whatever form (URL standard, 3.5): a name does not end in a number.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_PRIVILEGED_BY_TCP = (80, 443)


def refusal_of(text: str) -> str:
    """Why ``RTCPeerConnection`` throws for this URL; empty where it takes it."""
    scheme, address, query = _parts(text)
    if scheme not in _SCHEMES:
        return "it is not a stun: or turn: URL"
    if query is not None:
        refusal = _query_refusal(scheme, query)
        if refusal:
            return refusal
    if not address:
        return "the host is missing"
    if "@" in address:
        return "it has a user name"
    return _address_refusal(address)


def browser_url(text: str) -> TurnUri | None:
    """The relay that a browser makes of a URL which it takes; None for a STUN server.

    The host need not be one that resolves. Where ``refusal_of`` says something, so does this
    with ValueError.
    """
    if refusal := refusal_of(text):
        raise ValueError(refusal)
    scheme, address, query = _parts(text)
    if scheme not in DEFAULT_PORTS:
        return None
    host, port = _host_and_port(address)
    by_tcp = scheme == "turns"
    # libwebrtc reads no transport where there are two question marks.
    if query is not None and "?" not in query:
        by_tcp = by_tcp or query.split("=")[1].lower() == "tcp"
    return TurnUri(
        "turns" if scheme == "turns" else "turn",
        _CONTROL.sub(lambda found: f"%{ord(found[0]):02X}", _plain_address(host)),
        DEFAULT_PORTS[scheme] if port is None else int(port),
        "tcp" if by_tcp else "udp",
    )


def relays_of(texts: Iterable[str]) -> tuple[TurnUri, ...]:
    """The relays of a list that a browser uses, each once: the first 32. Raises ValueError like
    ``browser_url``."""
    found = [url for text in texts if (url := browser_url(text)) is not None]
    return tuple(dict.fromkeys(found[:MAX_RELAYS]))


def is_looked_up_by_udp(host: str) -> bool:
    """Whether Chromium resolves this host for STUN and TURN by UDP.

    It takes such a name as it is, and has an address for none that is written otherwise than in its
    own form: with capital letters, or with letters beyond ASCII. By TCP and TLS it does.
    """
    if is_literal(host) or ":" in host:
        return True
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit():
        return all(map(_NUMBER.fullmatch, labels))
    return _LOOKED_UP.fullmatch(host) is not None


def refusal_of_login(username: str, credential: str) -> str:
    """Why ``RTCPeerConnection`` throws for a TURN server with these; empty where it takes them."""
    if not username or not credential:
        return "a TURN server without user name or credential"
    if len(username.encode("utf-8", "surrogatepass")) > MAX_USERNAME:
        return f"a user name of more than {MAX_USERNAME} bytes"
    return ""


def blocked_port(url: TurnUri) -> bool:
    """Whether Chromium never asks this port by this transport."""
    privileged = url.port < 1024 and url.port not in _PRIVILEGED_BY_TCP
    return url.port in UNSAFE_PORTS or (url.kind != "udp" and privileged)


def _parts(text: str) -> tuple[str, str, str | None]:
    """Scheme in small letters (empty without one), address and query as the URL standard has
    them; None without a question mark."""
    scheme, colon, rest = text.strip(_ENDS).translate(_NOWHERE).partition(":")
    address, mark, query = rest.partition("?")
    return scheme.lower() if colon else "", address, query if mark else None


def _query_refusal(scheme: str, query: str) -> str:
    if scheme in ("stun", "stuns"):
        return "a stun: URL takes no query"
    named = [part for part in query.split("=") if part]
    if len(named) > 1 and named[0] == "transport" and "#" not in query:
        # What follows a second question mark is not read, nor what is in front of it.
        key, value = query.split("=")[:2]
        if "?" in query or (key == "transport" and value.lower() in ("udp", "tcp")):
            return ""
    return "only ?transport=udp or ?transport=tcp may follow, in small letters"


def _address_refusal(address: str) -> str:
    if set(address) & set("/# "):
        return "the host has characters that no host has"
    host, port = _host_and_port(address)
    if not host:
        return "the host is missing"
    if not address.startswith("[") and _NO_HOST & set(host):
        return "the host has characters that no host has"
    if port is None:
        return ""
    digits = port.lstrip("0")
    is_port = port.isascii() and port.isdigit() and 0 < len(digits) < 6 and int(digits) < 65536
    return "" if is_port else "the port must be 1 to 65535"


def _host_and_port(address: str) -> tuple[str, str | None]:
    """Both as libwebrtc parses them: what stands between the bracket and a colon is lost."""
    if not address.startswith("["):
        host, colon, port = address.partition(":")
        return host, port if colon else None
    end = address.rfind("]")
    colon_at = address.find(":", end)
    return address[1 : max(end, 1)], None if colon_at < 0 else address[end + 2 :]


def _plain_address(host: str) -> str:
    """An IPv6 address in one form."""
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        return host
