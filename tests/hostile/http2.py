"""Hostile servers of HTTP/2: frames as bytes, so that none is refused by a library of ours."""

import asyncio
import struct
from collections.abc import Callable

from tests.hostile.floods import MAX_FLOOD
from tests.hostile.servers import Behaviour

DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OK = b"\x88"  # HPACK: ":status: 200" of the static table


def frame(kind: int, payload: bytes = b"", flags: int = 0, stream: int = 0) -> bytes:
    """RFC 9113, 4.1."""
    return (
        struct.pack(">I", len(payload))[1:]
        + bytes([kind, flags])
        + struct.pack(">I", stream)
        + payload
    )


def settings(*pairs: tuple[int, int]) -> bytes:
    """RFC 9113, 6.5."""
    return frame(SETTINGS, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    """A header field in full (RFC 7541, 6.2); ``indexed`` ones stay in the table."""
    return (b"\x40" if indexed else b"\0") + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    length = len(text)
    if length < 127:
        return bytes([length]) + text
    length, more = length - 127, b"\x7f"
    while length >= 128:
        more += bytes([length % 128 | 128])
        length //= 128
    return more + bytes([length]) + text


def h2(
    first: bytes, endless: bytes | Callable[[int], bytes] = b"", *, opening: bytes | None = None
) -> Behaviour:
    """Takes the client's preface and request, then sends ``first``, and the other without end: as
    it is, or made anew from a number that grows."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"SM\r\n\r\n")
        await reader.read(65536)
        writer.write(settings() if opening is None else opening)
        writer.write(first)
        sent, number = 0, 0
        while endless and sent < MAX_FLOOD:
            block = b""
            while len(block) < 16384:
                block += endless if isinstance(endless, bytes) else endless(number)
                number += 1
            writer.write(block)
            await writer.drain()
            await asyncio.sleep(0)
            sent += len(block)
        await writer.drain()
        await _read_all(reader)

    return behave


async def _read_all(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


def _stream(number: int) -> int:
    return 2 * (number % (1 << 29)) + 2


HEAD = frame(HEADERS, OK, END_HEADERS, 1)
_INDEXED = literal(b"x-a", b"b" * 4000, indexed=True)
# One entry of 4,000 bytes in the table, then 12,000 references to it of a byte each: 48 MB.
BOMB = OK + _INDEXED + b"\xbe" * 12_000
_PROMISE = struct.pack(">I", 2) + b"\x82\x86\x84\x01\x01a"
_BIG_FIELD = literal(b"x-a", b"b" * 16_000)

# These say nothing wrong, and nothing more.
# Chromium takes settings beyond their ranges, and waits for the rest as well.
SILENT = {
    "nothing but a preface",
    "a head that never ends",
    "data beyond the window",
    "a frame size of 4 GB",
}
HTTP2: dict[str, Behaviour] = {
    "settings": h2(b"", settings((4, 65535))),
    "settings of 2,000 entries": h2(b"", settings(*[(4, 65535)] * 2000)),
    "empty settings in a body": h2(HEAD, settings()),
    "a window of settings that shrinks and grows": h2(
        b"", settings((4, 0)) + settings((4, 2**31 - 1))
    ),
    "settings without meaning": h2(b"", settings((0x4242, 1))),
    "settings of a wrong length": h2(frame(SETTINGS, b"abc")),
    "a frame size of 4 GB": h2(settings((5, 2**32 - 1))),
    "acknowledgements of settings": h2(b"", frame(SETTINGS, b"", ACK)),
    "pings": h2(b"", frame(PING, b"12345678")),
    "pings in a body": h2(HEAD, frame(PING, b"12345678")),
    "a head that continues": h2(frame(HEADERS, OK, 0, 1), frame(CONTINUATION, b"", 0, 1)),
    "a head of fields that continues": h2(
        frame(HEADERS, OK, 0, 1), frame(CONTINUATION, _BIG_FIELD, 0, 1)
    ),
    "a continuation of nothing": h2(frame(CONTINUATION, OK, END_HEADERS, 1)),
    "an HPACK bomb": h2(frame(HEADERS, BOMB, END_HEADERS, 1)),
    "trailers that are HPACK bombs": h2(HEAD, frame(HEADERS, BOMB[1:], END_HEADERS, 1)),
    "an HPACK table of 4 GB": h2(frame(HEADERS, b"\x3f\xe1\xff\xff\xff\x0f" + OK, END_HEADERS, 1)),
    "an HPACK index of nothing": h2(frame(HEADERS, b"\xff\xff\xff\xff\x0f", END_HEADERS, 1)),
    "an HPACK integer without end": h2(frame(HEADERS, b"\xff" * 16_000, END_HEADERS, 1)),
    "Huffman garbage": h2(frame(HEADERS, OK + b"\0\xff" + b"\xff" * 3000, END_HEADERS, 1)),
    "informational responses": h2(b"", frame(HEADERS, b"\x08\x03103", END_HEADERS, 1)),
    "early hints of 15 kB": h2(
        b"", frame(HEADERS, b"\x08\x03103" + literal(b"link", b"b" * 15_000), END_HEADERS, 1)
    ),
    "promises": h2(
        b"", lambda n: frame(PUSH, struct.pack(">I", _stream(n)) + _PROMISE[4:], END_HEADERS, 1)
    ),
    "one promise": h2(frame(PUSH, _PROMISE, END_HEADERS, 1)),
    "streams that were not opened": h2(b"", lambda n: frame(HEADERS, OK, END_HEADERS, _stream(n))),
    "rapid resets": h2(b"", frame(RST, struct.pack(">I", 8), 0, 1)),
    "rapid resets of streams that were not opened": h2(
        b"", lambda n: frame(RST, struct.pack(">I", 8), 0, _stream(n))
    ),
    "a reset at once": h2(frame(RST, struct.pack(">I", 7), 0, 1)),
    "a farewell at once": h2(frame(GOAWAY, struct.pack(">II", 0, 0))),
    "farewells without end": h2(b"", frame(GOAWAY, struct.pack(">II", 1, 0))),
    "a farewell of 16 kB without end": h2(
        b"", frame(GOAWAY, struct.pack(">II", 1, 0) + b"a" * 16_000)
    ),
    "windows": h2(b"", frame(WINDOW, struct.pack(">I", 1))),
    "windows of nothing": h2(frame(WINDOW, struct.pack(">I", 0))),
    "windows beyond 2^31": h2(b"", frame(WINDOW, struct.pack(">I", 2**31 - 1))),
    "windows of our stream": h2(HEAD, frame(WINDOW, struct.pack(">I", 1), 0, 1)),
    "empty data": h2(HEAD, frame(DATA, b"", 0, 1)),
    "padding alone": h2(HEAD, frame(DATA, b"\xff" + bytes(255), PADDED, 1)),
    "data of a byte": h2(HEAD, frame(DATA, b" ", 0, 1)),
    "data without end": h2(HEAD, frame(DATA, b" " * 16_000, 0, 1)),
    "data beyond the window": h2(HEAD + frame(DATA, b" " * 16_384, 0, 1) * 8),
    "data of a stream that were not opened": h2(HEAD, frame(DATA, b"a" * 100, 0, 2)),
    "a frame of 16 MB": h2(b"\xff\xff\xff\0\0\0\0\0\1", b"a" * 1024),
    "frames of an unknown kind": h2(b"", frame(0x42, b"a")),
    "priorities": h2(b"", frame(2, bytes(5), 0, 3)),
    "priorities of itself": h2(b"", frame(2, struct.pack(">IB", 1, 1), 0, 1)),
    "alternative services": h2(b"", frame(10, b'\0\1ah2=":443"')),
    "HTTP/1.1 instead": h2(b"", opening=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "zeros": h2(b"", bytes(64), opening=b""),
    "the client's preface": h2(b"", PREFACE, opening=b""),
    "nothing but a preface": h2(b""),
    "a head that never ends": h2(frame(HEADERS, OK, 0, 1)),
    "a status of 401 digits": h2(
        frame(HEADERS, b"\x08" + _string(b"2" * 401), END_HEADERS | END_STREAM, 1)
    ),
    "two statuses": h2(frame(HEADERS, OK + OK, END_HEADERS | END_STREAM, 1)),
    "no status": h2(frame(HEADERS, literal(b"x-a", b"b"), END_HEADERS | END_STREAM, 1)),
    "upper case and line ends": h2(
        frame(HEADERS, OK + literal(b"X-A\r\n", b"b\r\nc"), END_HEADERS | END_STREAM, 1)
    ),
    "a length that isn't": h2(
        frame(HEADERS, OK + literal(b"content-length", b"9" * 30), END_HEADERS, 1)
        + frame(DATA, b"{}", END_STREAM, 1)
    ),
    "4,000 fields": h2(frame(HEADERS, OK + literal(b"a", b"") * 4000, END_HEADERS | END_STREAM, 1)),
}
