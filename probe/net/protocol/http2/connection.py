"""A connection of HTTP/2 (RFC 9113): streams one behind the other, and what comes beside them."""

import struct

import hpack
from hpack.exceptions import HPACKError

from probe.net.protocol.errors import Truncated, Unanswered, Unprocessed
from probe.net.protocol.exchange import Request
from probe.net.protocol.http2.fields import (
    Fields,
    broken,
    check_size_updates,
    checked,
    fields_of,
)
from probe.net.protocol.http2.frames import (
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
_TABLE, _WINDOW, _DEFAULT_WINDOW, _MAX_WINDOW = 65_536, 1 << 20, 65_535, (1 << 31) - 1
# As browsers do, no promise is taken.
_SETTINGS = {1: _TABLE, 2: 0, 4: _WINDOW, 6: MAX_FIELDS}
_HEADER_TABLE, _INITIAL_WINDOW, _CONNECT_PROTOCOL, _NO_PRIORITIES = 1, 4, 8, 9
_MAX_ENCODER_TABLE = 4096
_NO_ERROR, _REFUSED_STREAM, _CANCEL, _HTTP_1_1_REQUIRED = 0x0, 0x7, 0x8, 0xD
_CODES = (
    *("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT"),
    *("STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR"),
    *("CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"),
)
# A longer block takes milliseconds to decode.
_SHORT = 1 << 14


class Http2Connection:
    """The frames of a request at a time, both ways. ``is_over``: its stream has ended.
    ``takes_requests``: the server has not said that it leaves. ``takes_tunnels``: it has announced
    that CONNECT opens a WebSocket (RFC 8441, 3)."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.is_over, self.takes_requests = stream, False, True
        self._number, self._is_heard = -1, False
        self._reader, self._encoder = FrameReader(), hpack.Encoder()
        self._frames: list[Frame] = []
        self._decoder = hpack.Decoder(MAX_FIELDS)
        self._decoder.max_allowed_table_size = _TABLE
        self._block, self._block_ends = bytearray(), False
        self._windows, self._window = {0: _DEFAULT_WINDOW}, _DEFAULT_WINDOW
        self._consumed, self._is_settled, self.takes_tunnels = 0, False, False
        self._outgoing = PREFACE + settings(_SETTINGS) + _update(0, _WINDOW - _DEFAULT_WINDOW)

    async def settle(self) -> None:
        """Wait for the server's settings. Raises PeerError, OSError."""
        await self._flush()
        while not self._is_settled:
            await self._read()
            while self._frames:
                await self._take(self._frames.pop(0), is_answered=False)

    async def send(self, request: Request, *, tunnel: bool = False) -> None:
        """Begin the next stream, which a ``tunnel`` leaves open. Raises OSError."""
        self._number, self.is_over, self._is_heard = self._number + 2, False, False
        self._windows = {0: self._windows[0], self._number: self._window}
        self._reader.begin()
        fields = [(name.encode(), value.encode()) for name, value in fields_of(request, tunnel)]
        block = self._encoder.encode(fields)
        self._outgoing += _headers(block, self._number, ends=not request.body and not tunnel)
        await self.send_data(request.body, ends=True)

    async def send_data(self, data: bytes, *, ends: bool = False) -> None:
        """More of our stream. Raises OSError."""
        # Within the smallest window that a server starts with, as all that we send is.
        for at in range(0, len(data), MAX_FRAME):
            last = END_STREAM if ends and at + MAX_FRAME >= len(data) else 0
            piece = data[at : at + MAX_FRAME]
            self._outgoing += frame(FrameType.DATA, piece, last, self._number)
        await self._flush()

    def cancel(self) -> None:
        """Give up what is left of this response: RST_STREAM goes out with what is sent next."""
        if not self.is_over:
            self.is_over = True
            reason = struct.pack(">I", _CANCEL)
            self._outgoing += frame(FrameType.RST_STREAM, reason, stream=self._number)

    async def read_beside(self) -> None:
        """Take what came behind a response. Raises PeerError, OSError."""
        while not self.stream.is_idle:
            await self._read()
        while self._frames:
            await self._take(self._frames.pop(0), is_answered=True)

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
            await self._read()

    async def _read(self) -> None:
        data = await self.stream.read()
        if not data:
            ended = Truncated if self._is_heard else Unanswered
            raise ended("closes the HTTP/2 connection before the response is complete")
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
            case FrameType.RST_STREAM if found.stream == self._number and not self.is_over:
                self._take_reset(int.from_bytes(found.payload, "big"), is_answered=is_answered)
        return None

    async def _take_block(self, found: Frame) -> Fields | None:
        self._block += found.payload
        if found.kind == FrameType.HEADERS:
            self._block_ends = bool(found.flags & END_STREAM)
        if len(self._block) > MAX_FIELDS:
            raise broken(f"more than {MAX_FIELDS >> 10} KiB of header fields")
        if not found.flags & END_HEADERS:
            return None
        block = bytes(self._block)
        self._block.clear()
        check_size_updates(block)
        if len(block) <= _SHORT:
            fields = self._decoded(block)
        else:
            fields = await in_daemon_thread(lambda: self._decoded(block), name="hpack")
        if found.stream != self._number:
            return None
        self.is_over, self._is_heard = self._block_ends, True
        return checked(fields)

    def _decoded(self, block: bytes) -> Fields:
        try:
            found = self._decoder.decode(block, raw=True)
        except HPACKError as error:
            raise broken(f"fields that can't be read ({type(error).__name__})") from None
        return [(_text(each[0]), _text(each[1])) for each in found]

    def _take_data(self, found: Frame) -> bytes | None:
        self._consumed += len(found.payload)
        if self._consumed >= _WINDOW // 2:
            self._outgoing += _update(0, self._consumed) + _update(self._number, self._consumed)
            self._consumed = 0
        if found.stream != self._number:
            return None
        self.is_over = bool(found.flags & END_STREAM)
        return found.payload

    def _take_settings(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            if name == _HEADER_TABLE:
                self._encoder.header_table_size = min(value, _MAX_ENCODER_TABLE)
            if name == _INITIAL_WINDOW and value <= _MAX_WINDOW:
                self._widen(self._number, value - self._window)
                self._window = value
            may_connect = value == 1 or (value == 0 and not self.takes_tunnels)
            if (name == _CONNECT_PROTOCOL and not may_connect) or (
                name == _NO_PRIORITIES and value > 1
            ):
                raise broken(f"the setting {name} with {value}")
            self.takes_tunnels = self.takes_tunnels or (name == _CONNECT_PROTOCOL and value == 1)
        self._is_settled = True
        self._outgoing += frame(FrameType.SETTINGS, flags=ACK)

    def _take_window(self, found: Frame) -> None:
        more = int.from_bytes(found.payload, "big") & _MAX_WINDOW
        if found.stream in self._windows and not more:
            raise broken("a WINDOW_UPDATE by nothing")
        self._widen(found.stream, more)

    def _widen(self, stream: int, more: int) -> None:
        if stream in self._windows:
            self._windows[stream] += more
            if self._windows[stream] > _MAX_WINDOW:
                raise broken(f"a window that is wider by {more} bytes")

    def _take_goaway(self, payload: bytes, *, is_answered: bool) -> None:
        self.takes_requests = False
        last, code = struct.unpack_from(">II", payload)
        message = f"ends the HTTP/2 connection ({_named(code)})"
        if code == _HTTP_1_1_REQUIRED and is_answered:
            raise Truncated(message)
        if code == _HTTP_1_1_REQUIRED or last & _MAX_WINDOW < self._number:
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


def _refused(message: str, code: int, again: int) -> Truncated:
    """The request was not processed: browsers ask again, by HTTP/1.1 where that is wanted."""
    if code in (again, _HTTP_1_1_REQUIRED):
        return Unprocessed(message, by_http1=code == _HTTP_1_1_REQUIRED)
    return Truncated(message)


def _headers(block: bytes, stream: int, *, ends: bool) -> bytes:
    pieces = [block[at : at + MAX_FRAME] for at in range(0, len(block), MAX_FRAME)]
    sent = b""
    for at, piece in enumerate(pieces):
        kind = FrameType.CONTINUATION if at else FrameType.HEADERS
        flags = (END_HEADERS if at == len(pieces) - 1 else 0) | (END_STREAM * (ends and not at))
        sent += frame(kind, piece, flags, stream)
    return sent


def _update(stream: int, more: int) -> bytes:
    return frame(FrameType.WINDOW_UPDATE, struct.pack(">I", more), stream=stream)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _named(code: int) -> str:
    return _CODES[code] if code < len(_CODES) else str(code)
