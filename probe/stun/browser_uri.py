"""Which STUN and TURN URLs Chromium takes, and which ports it never asks.

``RTCPeerConnection`` throws for a whole list in which one URL is wrong: no call is possible then.
What is written here was seen of Chromium, and a test asks it again.
"""

import re

from probe.net.address.unsafe_ports import UNSAFE_PORTS
from probe.stun.uri import TurnUri

MAX_USERNAME = 509
"""Bytes (RFC 8489, 14.3); a credential may have any length."""
_SCHEMES = ("stun", "stuns", "turn", "turns")
_BRACKETS = re.compile(r"\[[^\[\]]*\](?::(?P<port>.*))?")

_PRIVILEGED_BY_TCP = (80, 443)


def refusal_of(text: str) -> str:
    """Why ``RTCPeerConnection`` throws for this URL; empty where it takes it."""
    text = text.strip("\t\n\f\r ")
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in _SCHEMES:
        return "it is not a stun: or turn: URL"
    address, mark, query = rest.partition("?")
    if mark:
        refusal = _query_refusal(scheme.lower(), query.partition("?")[0])
        if refusal:
            return refusal
    if not address:
        return "the host is missing"
    if "@" in address:
        return "it has a user name"
    return _address_refusal(address)


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


def _query_refusal(scheme: str, query: str) -> str:
    if scheme in ("stun", "stuns"):
        return "a stun: URL takes no query"
    key, _, value = query.partition("=")
    if key != "transport" or value.lower() not in ("udp", "tcp"):
        return "only ?transport=udp or ?transport=tcp may follow, in small letters"
    return ""


def _address_refusal(address: str) -> str:
    if set(address) & set("/#? \t\n\r"):
        return "the host has characters that no host has"
    bracketed = _BRACKETS.fullmatch(address)
    if bracketed:
        port = bracketed["port"]
    else:
        host, _, port = address.partition(":")
        if not host or ("[" in host):
            return "the host is missing"
        port = port if ":" in address else None
    if port is None:
        return ""
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:9]) <= 65535
    return "" if is_port else "the port must be 1 to 65535"
