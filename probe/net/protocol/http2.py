"""HTTP/2 on a fresh connection that ALPN chose it for (RFC 9113): one stream, then the end.

Frames are read as Chromium reads them, whose verdict counts; the header compression is hpack's.
"""

import re
import struct
from collections.abc import AsyncIterator

import hpack
from hpack.exceptions import HPACKError
from multidict import CIMultiDict

from probe.net.protocol.errors import Flood, ProtocolViolation, Truncated, Unprocessed
from probe.net.protocol.exchange import HttpResponse, Request, check_codings
from probe.net.protocol.head import Head, check_unambiguous
from probe.net.protocol.http1 import MAX_INFORMATIONAL, SWITCHING
from probe.net.protocol.http2_frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    MAX_FRAME,
    PREFACE,
    Frame,
    FrameReader,
    FrameType,
    frame,
    settings,
)
from probe.net.protocol.stream import Stream
from probe.untrusted.daemon_thread import in_daemon_thread

MAX_FIELDS = 256 << 10
"""Bytes of a list of fields, with 32 for each (RFC 9113, 6.5.2), as in Chromium."""
_STREAM = 1
_TABLE, _WINDOW, _DEFAULT_WINDOW, _MAX_WINDOW = 65_536, 1 << 20, 65_535, (1 << 31) - 1
# As browsers do, no promise is taken.
_SETTINGS = {1: _TABLE, 2: 0, 4: _WINDOW, 6: MAX_FIELDS}
_CONNECT_PROTOCOL, _NO_PRIORITIES = 8, 9
_NO_ERROR, _REFUSED_STREAM, _HTTP_1_1_REQUIRED = 0x0, 0x7, 0xD
_CODES = (
    *("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT"),
    *("STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR"),
    *("CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"),
)
_PERHOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "host"})
# spdy::HeaderCoalescer and net::ParseHeaderValue.
_NAME = re.compile(r":?[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f]")
_STATUS = re.compile(r"\+?[0-9]{1,9}")
# A longer block takes milliseconds to decode.
_SHORT = 1 << 14

Fields = list[tuple[str, str]]


class Http2Response(HttpResponse):
    """A response on the one stream of a connection."""

    def __init__(self, connection: "_Connection", head: Head) -> None:
        super().__init__(connection.stream, head)
        self._connection = connection

    async def raw_body(self) -> AsyncIterator[bytes]:
        while not self._connection.is_over:
            event = await self._connection.next_event(is_answered=True)
            if isinstance(event, bytes):
                if event:
                    yield event
            elif not self._connection.is_over:
                raise ProtocolViolation("breaks the HTTP/2 protocol: it sends trailers, and more")


async def exchange(stream: Stream, request: Request) -> Http2Response:
    """Send a request and read its response's headers. Raises PeerError, OSError."""
    connection = _Connection(stream)
    await connection.send(request)
    informational = 0
    while True:
        event = await connection.next_event(is_answered=False)
        if isinstance(event, bytes):
            raise ProtocolViolation("breaks the HTTP/2 protocol: it sends data without a response")
        head = _head(event)
        if head.status >= 200 or head.status == SWITCHING:
            check_codings(head, request)
            return Http2Response(connection, head)
        informational += 1
        if connection.is_over:
            raise ProtocolViolation("ends the HTTP/2 stream without a response")
        if informational > MAX_INFORMATIONAL:
            raise Flood(f"sends more than {MAX_INFORMATIONAL} informational responses (1xx)")


class _Connection:
    """One request's frames, both ways. ``is_over``: the server has ended the stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.is_over = stream, False
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._decoder = hpack.Decoder(MAX_FIELDS)
        self._decoder.max_allowed_table_size = _TABLE
        self._block, self._block_ends = bytearray(), False
        self._windows = {0: _DEFAULT_WINDOW, _STREAM: _DEFAULT_WINDOW}
        self._consumed, self._may_connect = 0, False
        self._outgoing = b""

    async def send(self, request: Request) -> None:
        fields = [
            (":method", request.method),
            (":authority", request.authority),
            (":scheme", request.scheme),
            (":path", request.target),
        ]
        plain = ((name.lower(), value) for name, value in request.headers)
        fields += [(name, value) for name, value in plain if name not in _PERHOP]
        if request.body:
            fields.append(("content-length", str(len(request.body))))
        block = hpack.Encoder().encode([(name.encode(), value.encode()) for name, value in fields])
        self._outgoing = PREFACE + settings(_SETTINGS)
        self._outgoing += _update(0, _WINDOW - _DEFAULT_WINDOW)
        self._outgoing += _headers(block, ends=not request.body)
        # Within the smallest window that a server starts with, as all our bodies are.
        for at in range(0, len(request.body), MAX_FRAME):
            piece = request.body[at : at + MAX_FRAME]
            last = END_STREAM if at + MAX_FRAME >= len(request.body) else 0
            self._outgoing += frame(FrameType.DATA, piece, last, _STREAM)
        await self._flush()

    async def next_event(self, *, is_answered: bool) -> bytes | Fields:
        """The next data or fields of our stream. Raises PeerError, OSError."""
        while True:
            while self._frames:
                event = await self._take(self._frames.pop(0), is_answered=is_answered)
                if event is not None:
                    return event
                if self.is_over:
                    return b""
            await self._flush()
            data = await self.stream.read()
            if not data:
                raise Truncated("closes the HTTP/2 connection before the response is complete")
            self._frames.extend(self._reader.feed(data))

    async def _take(self, found: Frame, *, is_answered: bool) -> bytes | Fields | None:
        match found.kind:
            case FrameType.HEADERS | FrameType.CONTINUATION:
                return await self._take_block(found)
            case FrameType.DATA:
                return self._take_data(found)
            case FrameType.SETTINGS if not found.flags & ACK:
                self._take_settings(found.payload)
            case FrameType.PING:
                self._outgoing += frame(FrameType.PING, found.payload, ACK)
            case FrameType.WINDOW_UPDATE:
                self._take_window(found)
            case FrameType.GOAWAY:
                self._take_goaway(found.payload, is_answered=is_answered)
            case FrameType.RST_STREAM if found.stream == _STREAM:
                self._take_reset(int.from_bytes(found.payload, "big"), is_answered=is_answered)
        return None

    async def _take_block(self, found: Frame) -> Fields | None:
        self._block += found.payload
        if found.kind == FrameType.HEADERS:
            self._block_ends = bool(found.flags & END_STREAM)
        if len(self._block) > MAX_FIELDS:
            raise _broken(f"more than {MAX_FIELDS >> 10} KiB of header fields")
        if not found.flags & END_HEADERS:
            return None
        block = bytes(self._block)
        self._block.clear()
        if len(block) <= _SHORT:
            fields = self._decoded(block)
        else:
            fields = await in_daemon_thread(lambda: self._decoded(block), name="hpack")
        if found.stream != _STREAM:
            return None
        self.is_over = self._block_ends
        return _checked(fields)

    def _decoded(self, block: bytes) -> Fields:
        try:
            found = self._decoder.decode(block, raw=True)
        except HPACKError as error:
            raise _broken(f"fields that can't be read ({type(error).__name__})") from None
        return [(_text(each[0]), _text(each[1])) for each in found]

    def _take_data(self, found: Frame) -> bytes | None:
        self._consumed += len(found.payload)
        if self._consumed >= _WINDOW // 2:
            self._outgoing += _update(0, self._consumed) + _update(_STREAM, self._consumed)
            self._consumed = 0
        if found.stream != _STREAM:
            return None
        self.is_over = bool(found.flags & END_STREAM)
        return found.payload

    def _take_settings(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            may_connect = value == 1 or (value == 0 and not self._may_connect)
            if (name == _CONNECT_PROTOCOL and not may_connect) or (
                name == _NO_PRIORITIES and value > 1
            ):
                raise _broken(f"the setting {name} with {value}")
            self._may_connect = self._may_connect or (name == _CONNECT_PROTOCOL and value == 1)
        self._outgoing += frame(FrameType.SETTINGS, flags=ACK)

    def _take_window(self, found: Frame) -> None:
        if found.stream in self._windows:
            more = int.from_bytes(found.payload, "big") & _MAX_WINDOW
            self._windows[found.stream] += more
            if not more or self._windows[found.stream] > _MAX_WINDOW:
                raise _broken(f"a WINDOW_UPDATE by {more} bytes")

    def _take_goaway(self, payload: bytes, *, is_answered: bool) -> None:
        last, code = struct.unpack_from(">II", payload)
        message = f"ends the HTTP/2 connection ({_named(code)})"
        if code == _HTTP_1_1_REQUIRED and is_answered:
            raise Truncated(message)
        if code == _HTTP_1_1_REQUIRED or last & _MAX_WINDOW < _STREAM:
            raise _refused(message, code, _NO_ERROR)

    def _take_reset(self, code: int, *, is_answered: bool) -> None:
        if is_answered and code == _NO_ERROR:
            self.is_over = True
            return
        message = f"resets the HTTP/2 stream ({_named(code)})"
        if is_answered:
            raise Truncated(message)
        raise _refused(message, code, _REFUSED_STREAM)

    async def _flush(self) -> None:
        pending, self._outgoing = self._outgoing, b""
        if pending:
            await self.stream.write(pending)


def _head(fields: Fields) -> Head:
    if not fields or fields[0][0] != ":status" or not _STATUS.fullmatch(fields[0][1]):
        raise ProtocolViolation("answers without a status code")
    status = int(fields[0][1])
    if not 100 <= status <= 999 or any(name == ":status" for name, _ in fields[1:]):
        raise ProtocolViolation("answers without a status code")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in fields:
        if not name.startswith(":"):
            headers.add(name, value.strip(" \t"))
    if "Transfer-Encoding" in headers:
        raise _broken("a Transfer-Encoding")
    head = Head((2, 0), status, headers)
    check_unambiguous(head)
    return head


def _checked(fields: Fields) -> Fields:
    """Raises ProtocolViolation for fields that browsers do not take."""
    was_plain = False
    for name, value in fields:
        if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
            raise _broken("a header field with characters that are not allowed")
        if was_plain and name.startswith(":"):
            raise _broken("a pseudo-header behind the others")
        was_plain = not name.startswith(":")
    return fields


def _refused(message: str, code: int, again: int) -> Truncated:
    """The request was not processed: browsers ask again, by HTTP/1.1 where that is wanted."""
    if code in (again, _HTTP_1_1_REQUIRED):
        return Unprocessed(message, by_http1=code == _HTTP_1_1_REQUIRED)
    return Truncated(message)


def _headers(block: bytes, *, ends: bool) -> bytes:
    pieces = [block[at : at + MAX_FRAME] for at in range(0, len(block), MAX_FRAME)]
    sent = b""
    for at, piece in enumerate(pieces):
        kind = FrameType.CONTINUATION if at else FrameType.HEADERS
        flags = (END_HEADERS if at == len(pieces) - 1 else 0) | (END_STREAM * (ends and not at))
        sent += frame(kind, piece, flags, _STREAM)
    return sent


def _update(stream: int, more: int) -> bytes:
    return frame(FrameType.WINDOW_UPDATE, struct.pack(">I", more), stream=stream)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _named(code: int) -> str:
    return _CODES[code] if code < len(_CODES) else str(code)


def _broken(what: str) -> ProtocolViolation:
    return ProtocolViolation(f"breaks the HTTP/2 protocol: it sends {what}")
