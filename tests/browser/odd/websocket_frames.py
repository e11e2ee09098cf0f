"""Odd extensions and frames of WebSocket servers, besides the handshakes of websocket_rows."""

import struct
import zlib
from collections.abc import Callable, Sequence

from tests.browser.odd.websocket_rows import (
    ACCEPT,
    BROKEN,
    CLOSED,
    CONNECTION,
    FAILS,
    HANDSHAKES,
    READY,
    UPGRADE,
    OddSocket,
)
from tests.browser.odd.websocket_server import (
    BINARY,
    CLOSE,
    FIN,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    Coding,
    WireBends,
    frame,
)

_DEFLATE = "permessage-deflate"
_EVENT = b'42/signaling,["x",{}]'


def _agreed(
    name: str,
    parameters: str = "",
    coding: Callable[[], Coding] | None = None,
    *,
    fails: bool = False,
    before: bytes = b"",
) -> OddSocket:
    """A server that accepts permessage-deflate with these parameters."""
    extension = f"Sec-WebSocket-Extensions: {_DEFLATE}{parameters}"
    headers = (UPGRADE, CONNECTION, ACCEPT, extension)
    bends = WireBends(headers=headers, before=before)
    if coding is not None:
        bends = WireBends(headers=headers, before=before, coding=coding)
    return OddSocket(name, bends, FAILS if fails else READY, BROKEN if fails else "ok")


def _sent(name: str, before: bytes, chromium: str = READY, probe: str = "ok") -> OddSocket:
    """A server that sends these frames ahead of ``connected``."""
    return OddSocket(name, WireBends(before=before), chromium, probe)


def _bad(name: str, before: bytes) -> OddSocket:
    return _sent(name, before, FAILS, BROKEN)


def _closes(name: str, body: bytes, probe: str) -> OddSocket:
    return _sent(name, frame(CLOSE, body), FAILS, probe)


def deflating(
    bits: int = 15,
    *,
    takeover: bool = True,
    fragments: bool = False,
    flush: int = zlib.Z_SYNC_FLUSH,
    cut: int = 4,
    behind: bytes = b"",
) -> Callable[[], Coding]:
    """Compresses each message; ``cut`` bytes are left out at its end (RFC 7692: 4)."""

    def make() -> Coding:
        kept: list[zlib._Compress] = []

        def code(text: str) -> bytes:
            if not kept or not takeover:
                kept[:] = [zlib.compressobj(wbits=-bits)]
            data = kept[0].compress(text.encode()) + kept[0].flush(flush)
            data = data[: len(data) - cut] + behind
            if not fragments:
                return frame(TEXT, data, bits=FIN | RSV1)
            half = len(data) // 2
            return frame(TEXT, data[:half], bits=RSV1) + frame(0, data[half:])

        return code

    return make


def inflates_to(length: int) -> bytes:
    """A compressed event with so many letters, a multiple of a million."""
    coder = zlib.compressobj(9, wbits=-15)
    start = coder.compress(b'42/signaling,["x","') + coder.flush(zlib.Z_FULL_FLUSH)
    # What follows a full flush refers to nothing before it, and so can be repeated.
    million = coder.compress(b"a" * 1_000_000) + coder.flush(zlib.Z_FULL_FLUSH)
    end = (coder.compress(b'"]') + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]
    data = start + million * (length // 1_000_000) + end
    return frame(TEXT, data, bits=FIN | RSV1)


def _closing(code: int, reason: bytes = b"") -> bytes:
    return struct.pack(">H", code) + reason


def _announcing(length: bytes) -> bytes:
    return frame(TEXT, _EVENT, length=length)


EXTENSIONS: Sequence[OddSocket] = (
    _agreed("permessage-deflate, frames uncompressed"),
    _agreed("permessage-deflate", "", deflating()),
    _agreed("the same, in fragments", "", deflating(fragments=True)),
    _agreed("the same, by Z_FULL_FLUSH", "", deflating(flush=zlib.Z_FULL_FLUSH)),
    _agreed("compressed messages among others", before=deflating()()(_EVENT.decode())),
    _agreed(
        "server_no_context_takeover", "; server_no_context_takeover", deflating(takeover=False)
    ),
    _agreed(
        "server_no_context_takeover, and it keeps it", "; server_no_context_takeover", deflating()
    ),
    _agreed("client_no_context_takeover", "; client_no_context_takeover", deflating()),
    _agreed("server_no_context_takeover=1", "; server_no_context_takeover=1", fails=True),
    _agreed("server_no_context_takeover twice", "; server_no_context_takeover" * 2, fails=True),
    _agreed("server_max_window_bits=9", "; server_max_window_bits=9", deflating(9)),
    _agreed("server_max_window_bits in quotes", '; server_max_window_bits="10"', deflating(10)),
    _agreed("server_max_window_bits with a backslash", '; server_max_window_bits="1\\0"'),
    _agreed("server_max_window_bits=16", "; server_max_window_bits=16", fails=True),
    _agreed("server_max_window_bits=7", "; server_max_window_bits=7", fails=True),
    _agreed("server_max_window_bits=010", "; server_max_window_bits=010", fails=True),
    _agreed("server_max_window_bits alone", "; server_max_window_bits", fails=True),
    _agreed("client_max_window_bits alone", "; client_max_window_bits", fails=True),
    _agreed("client_max_window_bits=15", "; client_max_window_bits=15"),
    _agreed("client_max_window_bits=9", "; client_max_window_bits=9"),
    _agreed("client_max_window_bits=8", "; client_max_window_bits=8"),
    _agreed("an unknown parameter", "; x=1", fails=True),
    _agreed("a semicolon at the end", ";", fails=True),
    _agreed("a comma at the end", ",", fails=True),
    _agreed("permessage-deflate and another extension", ", x-own", fails=True),
    _agreed("permessage-deflate twice", f", {_DEFLATE}", fails=True),
    _agreed("messages with their 00 00 ff ff", "", deflating(cut=0), fails=True),
    _agreed("messages cut too short", "", deflating(cut=5), fails=True),
    _agreed(
        "messages in a last block",
        "",
        deflating(takeover=False, flush=zlib.Z_FINISH, cut=0),
        fails=True,
    ),
    _agreed(
        "the same, and a zero behind it",
        "",
        deflating(takeover=False, flush=zlib.Z_FINISH, cut=0, behind=b"\0"),
    ),
    _agreed(
        "compressed garbage",
        fails=True,
        before=frame(TEXT, b"garbage", bits=FIN | RSV1),
    ),
    _agreed("a compressed empty message", fails=True, before=frame(TEXT, bits=FIN | RSV1)),
    _agreed(
        "RSV1 in a continuation",
        fails=True,
        before=frame(TEXT, b"", bits=RSV1) + frame(0, b"\0", bits=FIN | RSV1),
    ),
    _agreed("RSV1 in a ping", fails=True, before=frame(PING, bits=FIN | RSV1)),
    _agreed("RSV2", fails=True, before=frame(TEXT, _EVENT, bits=FIN | RSV2)),
    _agreed("a message that inflates to 3 MB", before=inflates_to(3_000_000)),
    OddSocket(
        "a message that inflates to 40 MB",
        WireBends(
            headers=(UPGRADE, CONNECTION, ACCEPT, f"Sec-WebSocket-Extensions: {_DEFLATE}"),
            before=inflates_to(40_000_000),
        ),
        READY,
        "flooded",
        "a check reads 32 MiB at most",
    ),
    _bad("RSV1 and no extension", frame(TEXT, _EVENT, bits=FIN | RSV1)),
)
FRAMES: Sequence[OddSocket] = (
    _bad("a masked frame", frame(TEXT, _EVENT, mask=b"abcd")),
    _bad("a masked ping", frame(PING, b"a", mask=b"abcd")),
    _bad("RSV3", frame(TEXT, _EVENT, bits=FIN | RSV3)),
    _bad("opcode 3", frame(3)),
    _bad("opcode 11", frame(11)),
    _sent("a message in two frames", frame(TEXT, _EVENT[:5], bits=0) + frame(0, _EVENT[5:])),
    _sent(
        "a ping between two frames",
        frame(TEXT, _EVENT[:5], bits=0) + frame(PING, b"p") + frame(0, _EVENT[5:]),
    ),
    _sent(
        "frames that part a letter",
        frame(TEXT, b'42/signaling,["x","\xc3', bits=0) + frame(0, b'\xa9"]'),
    ),
    _sent("frames without content", frame(TEXT, bits=0) + frame(0, bits=0) + frame(0, _EVENT)),
    _sent(
        "1,000 frames",
        frame(TEXT, b'42/signaling,["', bits=0) + frame(0, b"a", bits=0) * 998 + frame(0, b'"]'),
    ),
    _bad("a text in the middle of another", frame(TEXT, _EVENT[:5], bits=0) + frame(TEXT, _EVENT)),
    _bad("a continuation of nothing", frame(0, _EVENT)),
    _bad("a ping in two frames", frame(PING, b"a", bits=0) + frame(0, b"b")),
    _bad("a close in two frames", frame(CLOSE, _closing(1000), bits=0)),
    _sent("a ping of 125 bytes", frame(PING, b"a" * 125)),
    _bad("a ping of 126 bytes", frame(PING, b"a" * 126)),
    _sent("an unsolicited pong", frame(PONG, b"abc")),
    _bad(
        "a length in more bytes than it needs",
        _announcing(b"\x7e" + struct.pack(">H", len(_EVENT))),
    ),
    _bad(
        "a length in 8 bytes, needlessly",
        _announcing(b"\x7f" + struct.pack(">Q", len(_EVENT))),
    ),
    _bad(
        "a length above 2^63",
        _announcing(b"\x7f" + struct.pack(">Q", 1 << 63 | len(_EVENT))),
    ),
    _bad("a text that is not UTF-8", frame(TEXT, b'42/signaling,["x","\xff"]')),
    _bad("a text with an overlong letter", frame(TEXT, b'42/signaling,["x","\xc0\xaf"]')),
    _bad("a text with half of a surrogate", frame(TEXT, b'42/signaling,["x","\xed\xa0\x80"]')),
    _bad("a text that ends within a letter", frame(TEXT, b'42/signaling,["x","\xc3')),
    _sent("a text with U+FFFF", frame(TEXT, '42/signaling,["x","\uffff"]'.encode())),
    _bad("a byte order mark", frame(TEXT, b"\xef\xbb\xbf" + _EVENT)),
    _bad("an empty text", frame(TEXT)),
    _bad("empty binary data", frame(BINARY)),
    _closes("close without a code", b"", CLOSED),
    _closes("close with a byte alone", b"\x03", BROKEN),
    *(
        _closes(f"close code {code}", _closing(code), BROKEN)
        for code in (0, 999, 1005, 1006, 1015, 5000)
    ),
    *(
        _closes(f"close code {code}", _closing(code), CLOSED)
        for code in (1003, 1007, 1009, 1012, 3000, 4999)
    ),
    *(_closes(f"close code {code}", _closing(code), BROKEN) for code in (1004, 1014, 1016, 2999)),
    _closes("close with a reason that is not UTF-8", _closing(1000, b"\xff\xfe"), BROKEN),
    _closes("close with a reason of 123 bytes", _closing(1000, b"a" * 123), CLOSED),
    _closes("close with a reason of 124 bytes", _closing(1000, b"a" * 124), BROKEN),
    OddSocket("the end without a close", WireBends(ends=True), FAILS, CLOSED),
    OddSocket("the end within a frame", WireBends(before=b"\x81\x20abc", ends=True), FAILS, CLOSED),
)
ODD_SOCKETS = (*HANDSHAKES, *EXTENSIONS, *FRAMES)
