"""Frames of HTTP/2 (RFC 9113, 4.1), as a client that browsers are alike receives them.

What Chromium's framer refuses is refused, and what it takes is taken: flags that are not known, any
first frame, settings beyond their ranges.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct

from probe.net.protocol.errors import Flood, ProtocolViolation
from probe.net.protocol.head import MAX_EXCERPTED, excerpt
from probe.net.protocol.http2.fields import broken

MAX_FRAME = 16384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM, END_HEADERS, ACK, PADDED, PRIORITY = 0x01, 0x04, 0x01, 0x08, 0x20
# An honest server sends a handful; 1xx responses are among them.
MAX_IDLE = 600
# Bytes beside content: heads, the headers of frames, and an incomplete frame. A page of a megabyte
# that is written line by line has as many.
MAX_OVERHEAD = 512 << 10
_HEADER = 9


class FrameType(IntEnum):
    """Frame types (RFC 9113, 11.2; RFC 7838, 4; RFC 9218, 7.1)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9
    ALTSVC = 10
    PRIORITY_UPDATE = 16


_LENGTHS = {
    FrameType.PRIORITY: 5,
    FrameType.RST_STREAM: 4,
    FrameType.PING: 8,
    FrameType.WINDOW_UPDATE: 4,
}
_LEAST: dict[int, int] = {FrameType.GOAWAY: 8, FrameType.PRIORITY_UPDATE: 4}
_OF_STREAM = (
    FrameType.DATA,
    FrameType.HEADERS,
    FrameType.PRIORITY,
    FrameType.RST_STREAM,
    FrameType.CONTINUATION,
)
_OF_CONNECTION = (
    FrameType.SETTINGS,
    FrameType.PING,
    FrameType.GOAWAY,
    FrameType.PRIORITY_UPDATE,
)


class Frame(Struct, frozen=True):
    """One frame, its padding removed."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: FrameType, payload: bytes = b"", flags: int = 0, stream: int = 0) -> bytes:
    """A frame to be sent."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame (RFC 9113, 6.5)."""
    return frame(FrameType.SETTINGS, b"".join(struct.pack(">HI", *pair) for pair in values.items()))


class FrameReader:
    """Takes bytes, gives frames. Floods and what is too long end it before it is kept."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._frames = self._idle = self._overhead = 0
        self._continued = 0

    def begin(self) -> None:
        """Another request has budgets of its own."""
        self._idle = self._overhead = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete. Raises ProtocolViolation, Flood."""
        self._buffer += data
        self._overhead += len(data)
        if self._overhead > MAX_OVERHEAD:
            raise Flood(f"sends more than {MAX_OVERHEAD >> 10} KiB of HTTP/2 without content")
        while len(self._buffer) >= _HEADER:
            length = int.from_bytes(self._buffer[:3], "big")
            kind, flags, stream = struct.unpack_from(">BBI", self._buffer, 3)
            self._check_length(length)
            if len(self._buffer) < _HEADER + length:
                return
            payload = bytes(self._buffer[_HEADER : _HEADER + length])
            del self._buffer[: _HEADER + length]
            self._frames += 1
            self._count(kind, payload)
            yield self._checked(Frame(kind, flags, stream & 0x7FFFFFFF, payload))

    def _check_length(self, length: int) -> None:
        if length <= MAX_FRAME:
            return
        if not self._frames:
            raise ProtocolViolation(
                f"does not speak HTTP/2: it sends {excerpt(bytes(self._buffer[:MAX_EXCERPTED]))}"
            )
        raise broken(f"a frame of {length} bytes")

    def _count(self, kind: int, payload: bytes) -> None:
        if kind == FrameType.DATA and payload:
            self._overhead -= len(payload)
            self._idle = max(0, self._idle - 1)  # servers ping while they send
        else:
            self._idle += 1 + (len(payload) // 6 if kind == FrameType.SETTINGS else 0)
        if self._idle > MAX_IDLE:
            raise Flood(f"sends more than {MAX_IDLE} HTTP/2 frames without content")

    def _checked(self, found: Frame) -> Frame:
        kind, length = found.kind, len(found.payload)
        if self._continued and (kind != FrameType.CONTINUATION or found.stream != self._continued):
            raise broken("a header block with another frame in it")
        if kind == FrameType.CONTINUATION and not self._continued:
            raise broken("a CONTINUATION of nothing")
        if kind == FrameType.PUSH_PROMISE:
            raise broken("a promise that was not asked for")
        if length != _LENGTHS.get(FrameType(kind) if kind in _LENGTHS else FrameType.DATA, length):
            raise broken(f"a {FrameType(kind).name} of {length} bytes")
        if (kind in _OF_STREAM) > bool(found.stream) or (kind in _OF_CONNECTION and found.stream):
            raise broken(f"a {FrameType(kind).name} on stream {found.stream}")
        _check_content(found)
        if kind in (FrameType.HEADERS, FrameType.CONTINUATION):
            self._continued = 0 if found.flags & END_HEADERS else found.stream
        return _unpadded(found) if kind in (FrameType.DATA, FrameType.HEADERS) else found


def _check_content(found: Frame) -> None:
    kind, payload = found.kind, found.payload
    if kind == FrameType.SETTINGS and (len(payload) % 6 or (found.flags & ACK and payload)):
        raise broken(f"SETTINGS of {len(payload)} bytes")
    if len(payload) < _LEAST.get(kind, 0):
        raise broken(f"a {FrameType(kind).name} of {len(payload)} bytes")
    if kind == FrameType.DATA and found.flags & ~(END_STREAM | PADDED):
        raise broken("DATA with flags that are not defined")
    if kind == FrameType.PING and found.flags & ACK:
        raise broken("the answer to a PING that was not sent")
    if kind == FrameType.ALTSVC and int.from_bytes(payload[:2].ljust(2, b"\xff"), "big") + 2 > len(
        payload
    ):
        raise broken("an ALTSVC that is too short")


def _unpadded(found: Frame) -> Frame:
    payload = found.payload
    if found.flags & PADDED:
        if not payload or payload[0] >= len(payload):
            raise broken("more padding than there is")
        payload = payload[1 : len(payload) - payload[0]]
    if found.kind == FrameType.HEADERS and found.flags & PRIORITY:
        if len(payload) < 5:
            raise broken("HEADERS without their priority")
        payload = payload[5:]
    return Frame(found.kind, found.flags, found.stream, payload)
