"""Odd WebSocket servers, and what socket.io-client in Chromium and the probe make of each."""

from collections.abc import Sequence

from msgspec import Struct

from tests.browser.odd.websocket_server import WireBends

READY, FAILS = "ready", "no session"
BROKEN, CLOSED = "protocol_error", "connection_closed"
UPGRADE, CONNECTION = "Upgrade: websocket", "Connection: Upgrade"
ACCEPT = "Sec-WebSocket-Accept: {accept}"
_OTHER = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class OddSocket(Struct, frozen=True):
    """``chromium`` is what the page experiences, ``probe`` a cause or ``ok``."""

    name: str
    bends: WireBends
    chromium: str
    probe: str
    why: str = ""


def _switched(
    name: str, *headers: str, fails: bool = True, status: str = "101 Switching Protocols"
) -> OddSocket:
    """A server with this head."""
    line = status if status[:1] != "1" else f"HTTP/1.1 {status}"
    bends = WireBends(status=line, headers=headers)
    return OddSocket(name, bends, FAILS if fails else READY, BROKEN if fails else "ok")


def _fine(name: str, *headers: str, status: str = "101 Switching Protocols") -> OddSocket:
    return _switched(name, *headers, fails=False, status=status)


def _refused(name: str, status: str, *headers: str, probe: str = "http_status") -> OddSocket:
    line = f"HTTP/1.1 {status}"
    return OddSocket(name, WireBends(line, (*headers, "Content-Length: 0")), FAILS, probe)


HANDSHAKES: Sequence[OddSocket] = (
    _fine("as RFC 6455 says", UPGRADE, CONNECTION, ACCEPT),
    _fine("Upgrade: WebSocket", "Upgrade: WebSocket", CONNECTION, ACCEPT),
    _switched("Upgrade: websocket, h2c", "Upgrade: websocket, h2c", CONNECTION, ACCEPT),
    _switched("Upgrade: websocket/13", "Upgrade: websocket/13", CONNECTION, ACCEPT),
    _switched("Upgrade twice", UPGRADE, UPGRADE, CONNECTION, ACCEPT),
    _switched("no Upgrade", CONNECTION, ACCEPT),
    _fine("Connection: keep-alive, upgrade", UPGRADE, "Connection: keep-alive, upgrade", ACCEPT),
    _fine("Connection: close, Upgrade", UPGRADE, "Connection: close, Upgrade", ACCEPT),
    _fine("Connection in two headers", UPGRADE, "Connection: keep-alive", CONNECTION, ACCEPT),
    _switched("Connection: keep-alive alone", UPGRADE, "Connection: keep-alive", ACCEPT),
    _switched("Connection: close alone", UPGRADE, "Connection: close", ACCEPT),
    _switched("Connection: Upgrade;q=1", UPGRADE, "Connection: Upgrade;q=1", ACCEPT),
    _switched("no Connection", UPGRADE, ACCEPT),
    _switched("no Sec-WebSocket-Accept", UPGRADE, CONNECTION),
    _switched("Sec-WebSocket-Accept of another key", UPGRADE, CONNECTION, _OTHER),
    _switched("Sec-WebSocket-Accept twice, equal", UPGRADE, CONNECTION, ACCEPT, ACCEPT),
    _switched(
        "Sec-WebSocket-Accept in quotes",
        UPGRADE,
        CONNECTION,
        ACCEPT.replace("{accept}", '"{accept}"'),
    ),
    _fine(
        "Sec-WebSocket-Accept on a folded line",
        UPGRADE,
        CONNECTION,
        "Sec-WebSocket-Accept:\r\n {accept}",
    ),
    _fine(
        "header names in small letters",
        UPGRADE.lower(),
        CONNECTION.lower(),
        "sec-websocket-accept: {accept}",
    ),
    _switched(
        "a subprotocol that was not offered",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        "Sec-WebSocket-Protocol: chat",
    ),
    _switched(
        "an empty Sec-WebSocket-Protocol", UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol:"
    ),
    _switched(
        "an unknown extension", UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: x-own"
    ),
    _switched(
        "an empty Sec-WebSocket-Extensions",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        "Sec-WebSocket-Extensions:",
    ),
    _fine("Sec-WebSocket-Version: 8", UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Version: 8"),
    _fine("101 with Content-Length: 5", UPGRADE, CONNECTION, ACCEPT, "Content-Length: 5"),
    _switched(
        "101 with two Content-Lengths",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        "Content-Length: 5",
        "Content-Length: 6",
    ),
    _fine(
        "101 with Transfer-Encoding: chunked",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        "Transfer-Encoding: chunked",
    ),
    _fine(
        "101 by HTTP/1.0", UPGRADE, CONNECTION, ACCEPT, status="HTTP/1.0 101 Switching Protocols"
    ),
    _fine("101 without a reason", UPGRADE, CONNECTION, ACCEPT, status="101"),
    _switched(
        "100 Continue before the 101",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        status="100 Continue\r\n\r\nHTTP/1.1 101 S",
    ),
    _switched(
        "103 Early Hints before the 101",
        UPGRADE,
        CONNECTION,
        ACCEPT,
        status="103 Early Hints\r\n\r\nHTTP/1.1 101 S",
    ),
    _switched(
        "200 with the headers of a 101", UPGRADE, CONNECTION, ACCEPT, status="HTTP/1.1 200 OK"
    ),
    _fine("a header of 100 kB in the 101", UPGRADE, CONNECTION, ACCEPT, f"X: {'a' * 100_000}"),
    _switched("a header of 300 kB in the 101", UPGRADE, CONNECTION, ACCEPT, f"X: {'a' * 300_000}"),
    OddSocket("the first frame with the head", WireBends(with_head=True), READY, "ok"),
    OddSocket("all byte by byte", WireBends(pieces=1), READY, "ok"),
    _refused("the handshake refused by 401", "401 Unauthorized", "WWW-Authenticate: Basic realm=x"),
    _refused("the handshake refused by 407", "407 P", "Proxy-Authenticate: Basic realm=x"),
    _refused("the handshake refused by 403", "403 Forbidden"),
    _refused("the handshake refused by 301", "301 Moved Permanently", "Location: /"),
    _refused(
        "the handshake refused by 426",
        "426 Upgrade Required",
        "Sec-WebSocket-Version: 8",
        probe=BROKEN,
    ),
    _refused("the handshake refused by 503", "503 Service Unavailable"),
)
