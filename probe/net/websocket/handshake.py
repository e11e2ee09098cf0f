"""The opening handshake of a WebSocket (RFC 6455, section 4.1), accepted where Chromium does.

net::WebSocketBasicHandshakeStream: each header of the handshake stands there once, nothing is
agreed on that was not offered, and no informational response comes before the 101.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence

from probe.net.protocol.errors import ProtocolViolation
from probe.net.protocol.exchange import HttpResponse
from probe.net.protocol.http1 import SWITCHING
from probe.net.websocket.permessage_deflate import OFFER, PerMessageDeflate, negotiated

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake_headers(key: str) -> Mapping[str, str]:
    """What asks for a WebSocket, with the extension that browsers offer."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Extensions": OFFER,
    }


def new_key() -> str:
    """A fresh Sec-WebSocket-Key."""
    return base64.b64encode(os.urandom(16)).decode()


def accepted(
    response: HttpResponse, key: str, subprotocols: Sequence[str] = ()
) -> PerMessageDeflate | None:
    """The compression agreed on with a server that opens the WebSocket; None without one.

    Raises ProtocolViolation, which says what a browser minds.
    """
    if response.status != response.opening:
        raise ProtocolViolation(f"answers the WebSocket handshake with status {response.status}")
    if response.opening == SWITCHING:
        _check_switched(response, key)
    _check_subprotocol(response, subprotocols)
    return negotiated(response.headers.getall("Sec-WebSocket-Extensions", []))


def _check_switched(response: HttpResponse, key: str) -> None:
    if len(set(response.head.all("Content-Length"))) > 1:
        raise ProtocolViolation("answers 101 with several Content-Lengths that differ")
    if response.informational:
        raise ProtocolViolation("sends an informational response (1xx) before its 101")
    if _only(response, "Upgrade").lower() != "websocket":
        raise ProtocolViolation("switches to another protocol than WebSocket")
    if "upgrade" not in (each.lower() for each in response.head.all("Connection")):
        raise ProtocolViolation("answers 101 without Connection: Upgrade")
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    if _only(response, "Sec-WebSocket-Accept") != base64.b64encode(digest).decode():
        raise ProtocolViolation("answers 101 with a wrong Sec-WebSocket-Accept")


def _only(response: HttpResponse, name: str) -> str:
    values = response.headers.getall(name, [])
    if not values:
        raise ProtocolViolation(f"answers 101 without {name}")
    if len(values) > 1:
        raise ProtocolViolation(f"answers 101 with {name} {len(values)} times")
    return values[0].strip(" \t")


def _check_subprotocol(response: HttpResponse, offered: Sequence[str]) -> None:
    found = response.headers.getall("Sec-WebSocket-Protocol", [])
    if len(found) > 1 or not set(found) <= set(offered):
        raise ProtocolViolation("answers 101 with a Sec-WebSocket-Protocol that was not offered")
