"""Peers that break no parser: they never stop, or send one byte at a time."""

import gzip
import struct
from collections.abc import Iterator

import brotli
from msgspec import Struct

from probe.core.causes import Cause
from tests.hostile.floods import (
    after_hello,
    after_hello_slowly,
    attribute,
    frame,
    redirecting,
    relay,
    slow_web,
    socket,
    stun,
    web,
    web_once,
)
from tests.hostile.http2 import HTTP2, SILENT
from tests.hostile.native_tls import NATIVE
from tests.hostile.servers import Behaviour, Layer, OwnTls

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LATE = {Cause.DEADLINE}
FLOOD = {Cause.FLOODED, Cause.PROTOCOL_ERROR, Cause.BODY_TOO_LARGE, Cause.CONNECTION_CLOSED}
ANY = FLOOD | LATE | {Cause.BODY_INVALID}


_GZIP = gzip.compress(bytes(32 << 20), 9)
_DEFLATED = _GZIP[10:-8]  # without the header and the trailer of RFC 1952
_BROTLI = brotli.compress(bytes(32 << 20), quality=5)
_NAMES = b"".join(b"X-%d: a\r\n" % number for number in range(4000))
_CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
_UNAUTHORIZED = (
    attribute(9, b"\0\0\4\1Unauthorized") + attribute(0x14, b"r") + attribute(0x15, b"n")
)
_STALE = attribute(9, b"\0\0\4\x26Stale Nonce") + attribute(0x14, b"r") + attribute(0x15, b"n")
_ELSEWHERE = attribute(9, b"\0\0\3\0Try Alternate") + attribute(0x8023, b"\0\1\0\x09\x7f\0\0\1")
_INDICATION = stun(0x17, b"", b"T" * 12)
_PEER = attribute(0x12, b"\0\1" + bytes(6))
_DATA = stun(0x17, _PEER + attribute(0x13, b"q" * 900), b"T" * 12)

WEB: dict[str, tuple[Behaviour, set[Cause]]] = {
    "100 Continue without end": (web(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), FLOOD),
    "early hints without end": (web(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), FLOOD),
    "a header line without end": (web(OK + b"X-A: ", b"a"), FLOOD),
    "header lines without end": (web(OK, b"X-A: b\r\n"), FLOOD),
    "cookies without end": (web(OK, b"Set-Cookie: a=b; Path=/\r\n"), FLOOD),
    "3,000 cookies": (
        web_once(OK + b"Set-Cookie: a=b\r\n" * 3000 + b"Content-Length: 2\r\n\r\n{}"),
        FLOOD | {Cause.BODY_INVALID},
    ),
    "redirects with a cookie each": (redirecting(b"b" * 4000), {Cause.TOO_MANY_REDIRECTS, *FLOOD}),
    "a redirect of a megabyte": (
        web_once(b"HTTP/1.1 302 Found\r\nLocation: /" + b"a" * 1_000_000 + b"\r\n\r\n"),
        FLOOD,
    ),
    "header names without end": (web(OK, _NAMES), FLOOD),
    "a status line without end": (web(b"HTTP/1.1 200 ", b"O"), FLOOD),
    "bytes without end": (web(b"", b"\0"), FLOOD),
    "a body without end": (web(OK + b"\r\n", b"a" * 1024), FLOOD),
    "events without end": (
        web(OK.replace(b"application/json", b"text/event-stream") + b"\r\n", b"data: x\n\n"),
        FLOOD,
    ),
    "trailers without end": (web(_CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n"), FLOOD),
    "a trailer without end": (web(_CHUNKED + b"2\r\n{}\r\n0\r\nX-A: ", b"b"), FLOOD),
    "chunks of a byte": (web(_CHUNKED, b"1\r\na\r\n"), FLOOD),
    "a chunk extension without end": (web(_CHUNKED + b"1;", b"a"), FLOOD),
    "chunk extensions without end": (web(_CHUNKED, b"1;" + b"a" * 3000 + b"\r\nb\r\n"), FLOOD),
    "a gzip bomb": (
        web_once(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_GZIP) + _GZIP),
        FLOOD,
    ),
    "a brotli bomb": (
        web_once(
            OK + b"Content-Encoding: br\r\nContent-Length: %d\r\n\r\n" % len(_BROTLI) + _BROTLI
        ),
        FLOOD,
    ),
    "a deflate bomb": (
        web_once(
            OK
            + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(_DEFLATED)
            + _DEFLATED
        ),
        FLOOD,
    ),
    "gzip in gzip in gzip": (
        web(OK + b"Content-Encoding: gzip, gzip, gzip\r\n\r\n", gzip.compress(_GZIP)),
        FLOOD | {Cause.BODY_INVALID},
    ),
    "gzip members without end": (
        web(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
        FLOOD | {Cause.BODY_INVALID},
    ),
    "responses without end": (
        web(OK + b"Content-Length: 0\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"),
        {Cause.BODY_INVALID},
    ),
    "a switch that was not asked for": (web(b"HTTP/1.1 101 X\r\nUpgrade: y\r\n\r\n", b"a"), FLOOD),
    "a head byte by byte": (slow_web(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"), LATE),
    "header lines byte by byte": (slow_web(OK, b"X-A: b\r\n"), LATE),
    "a body byte by byte": (slow_web(OK + b"Content-Length: 9999\r\n\r\n", b" "), LATE),
    "chunks byte by byte": (slow_web(_CHUNKED, b"1\r\n \r\n"), LATE),
    "events now and then": (slow_web(OK + b"\r\n", b"data: x\n\n"), LATE),
}
SOCKETS: dict[str, tuple[Behaviour, set[Cause]]] = {
    "pings of the WebSocket": (socket(frame(9, b"")), FLOOD),
    "pongs of the WebSocket": (socket(frame(10, b"x" * 100)), FLOOD),
    "pings of Engine.IO": (socket(frame(1, b"2")), FLOOD),
    "noops of Engine.IO": (socket(frame(1, b"6")), FLOOD),
    "empty text messages": (socket(frame(1, b"")), FLOOD),
    "closes of the WebSocket": (socket(frame(8, b"")), FLOOD),
    "disconnections": (
        socket(frame(1, b"41/signaling,")),
        FLOOD | {Cause.AUTH_REJECTED},
    ),
    "answers to no probe": (socket(frame(1, b"3probe")), FLOOD),
    "an event of a megabyte again and again": (
        socket(frame(1, b'42/signaling,["x","' + b"a" * 1_000_000 + b'"]')),
        FLOOD | LATE,
    ),
    "events": (socket(frame(1, b'42/signaling,["queue-update",{"position":1}]')), FLOOD),
    "events of another namespace": (socket(frame(1, b'42/other,["x"]')), FLOOD),
    "acknowledgements": (socket(frame(1, b'43/signaling,7["x"]')), FLOOD),
    "joins": (socket(frame(1, b'40/signaling,{"sid":"x"}')), FLOOD),
    "binary messages": (socket(frame(2, b"b" * 500)), FLOOD),
    "a message in fragments without end": (
        socket(frame(0, b"a"), frame(1, b"a", fin=False)),
        FLOOD,
    ),
    "empty fragments without end": (
        socket(frame(0, b"", fin=False), frame(1, b"", fin=False)),
        FLOOD,
    ),
    "a message of 2^62 bytes": (
        socket(b"a" * 1024, b"\x81\x7f" + struct.pack(">Q", 1 << 62)),
        ANY,
    ),
    "compressed frames that were not agreed": (
        socket(frame(1, _DEFLATED[:60000], reserved=0x40)),
        FLOOD,
    ),
    "attachments without end": (
        socket(frame(2, b"b"), frame(1, b'4599999999-/signaling,["x"]')),
        FLOOD,
    ),
    "brackets 10,000 deep": (socket(frame(1, b"42/signaling," + b"[" * 10_000)), FLOOD),
    "pings before the session": (socket(frame(9, b""), joins=False), FLOOD),
    "a frame byte by byte": (socket(b"a", b"\x81\x7e\xff\xff", slow=True), LATE),
}
RELAYS: dict[str, tuple[Behaviour, set[Cause]]] = {
    "indications": (relay(_INDICATION), FLOOD),
    "data indications": (relay(_DATA), FLOOD),
    "1,000 attributes": (relay(b"", attribute(0x8022, b"aaaa") * 1000), FLOOD),
    "1,000 attributes again and again": (
        relay(stun(0x17, attribute(0x8022, b"aaaa") * 1000, b"T" * 12)),
        FLOOD,
    ),
    "channel data that was not asked for": (relay(b"\x40\0\0\4abcd"), FLOOD),
    "empty channel data": (relay(b"\x40\0\0\0"), FLOOD),
    "empty channel data behind an answer": (relay(b"\x40\0\0\0", _UNAUTHORIZED), FLOOD),
    "data indications of 60 kB": (
        relay(stun(0x17, _PEER + attribute(0x13, b"q" * 60_000), b"T" * 12)),
        FLOOD,
    ),
    "requests of the server's own": (relay(stun(3, b"", b"T" * 12)), FLOOD),
    "heads of messages that never come": (relay(b"\1\x13\xff\xfc" + b"\x21\x12\xa4\x42"), FLOOD),
    "answers to no request": (relay(stun(0x103, _UNAUTHORIZED, b"S" * 12)), FLOOD),
    "401 without end": (relay(b"", _UNAUTHORIZED), FLOOD | {Cause.AUTH_REJECTED}),
    "438 without end": (
        relay(b"", _STALE),
        FLOOD | {Cause.STALE_NONCE},
    ),
    "a reason of 60,000 bytes": (
        relay(b"", attribute(9, b"\0\0\4\1" + b"a" * 60_000)),
        FLOOD | {Cause.AUTH_REJECTED},
    ),
    "zeros": (relay(bytes(64)), FLOOD),
    "a message of 65,532 bytes": (
        relay(struct.pack(">HHI", 0x17, 65532, 0x2112A442) + bytes(65544)),
        FLOOD,
    ),
    "a message byte by byte": (relay(_INDICATION, slow=True), {Cause.PROTOCOL_ERROR}),
}


TLS_FAULTS = {Cause.TLS_FAILED, Cause.CONNECT_FAILED, *FLOOD, *LATE}
# Servers that never get through the handshake.
HANDSHAKES: dict[str, tuple[Behaviour, set[Cause]]] = {
    "warnings without end": (after_hello(b"\x15\3\3\0\2\1\x5a"), TLS_FAULTS),
    "empty records": (after_hello(b"\x16\3\3\0\0"), TLS_FAULTS),
    "hello requests": (after_hello(b"\x16\3\3\0\4\0\0\0\0"), TLS_FAULTS - LATE),
    "a certificate of 16 MB": (
        after_hello(b"\x16\3\3\x40\0\x0b\xff\xff\xff" + bytes(16380)),
        TLS_FAULTS,
    ),
    "changes of the cipher": (after_hello(b"\x14\3\3\0\1\1"), TLS_FAULTS),
    "a handshake byte by byte": (
        after_hello_slowly(b"\x16\3\3\x01\0\2\0\0\xfc" + bytes(252)),
        TLS_FAULTS,
    ),
}
SORTS = {"page": WEB, "socket": SOCKETS, "relay": RELAYS, "secure page": HANDSHAKES}
SORTS |= dict.fromkeys(("secure relay", "secure redis"), HANDSHAKES)


OVER_TLS = ("secure page", "secure socket", "secure relay", "secure redis")
# The whole of these is tried by the long form of the test.
LONG = frozenset(OVER_TLS[1:])


class Flood(Struct, frozen=True):
    """A server; ``may``: the causes that are right."""

    name: str
    sort: str
    behave: Behaviour | OwnTls
    may: frozenset[Cause]
    layer: Layer = "plain"
    is_long: bool = False


def everything() -> Iterator[Flood]:
    """All of them, over plain TCP or over what they need."""
    for sort, table in SORTS.items():
        for name, (behave, may) in table.items():
            yield Flood(f"{sort}: {name}", sort, behave, frozenset(may))
    for name, behave in HTTP2.items():
        right = frozenset(LATE if name in SILENT else ANY - LATE)
        yield Flood(f"HTTP/2 page: {name}", "secure page", behave, right, "HTTP/2")
    for sort in OVER_TLS:
        for name, own in NATIVE.items():
            right = frozenset(FLOOD)
            yield Flood(f"{sort}: {name}", sort, own, right, "own TLS", sort in LONG)
