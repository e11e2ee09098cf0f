"""HTTP/2 on a fresh connection that ALPN chose it for (RFC 9113): one stream, then the end."""

from collections import deque
from collections.abc import AsyncIterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from multidict import CIMultiDict

from probe.net.protocol.errors import Flood, ProtocolViolation, Truncated
from probe.net.protocol.exchange import HttpResponse, Request, check_codings
from probe.net.protocol.head import Head, check_unambiguous, excerpt
from probe.net.protocol.http1 import MOST_INFORMATIONAL
from probe.net.protocol.stream import Stream

# Events beside content, and data frames of a few bytes.
MOST_SMALL_FRAMES = 2000
MOST_FIELDS = 64 << 10
_SMALL = 64
# Bytes beside content: heads (64 KiB, says h2), and an incomplete frame (16 KiB).
MOST_OVERHEAD = 256 << 10
_FRAME_HEADER = 9
_DATA, _SETTINGS, _LONGEST_FRAME = 0, 4, 16384
# Frames but those with content, and settings: h2 takes long for each, and servers send a handful.
MOST_IDLE = 200
_PERHOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "host"})


class Http2Response(HttpResponse):
    """A response on the one stream of a connection."""

    def __init__(self, connection: "_Connection", head: Head) -> None:
        super().__init__(connection.stream, head)
        self._connection = connection

    async def raw_body(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._connection.next_event()
            if isinstance(event, h2.events.DataReceived):
                if event.data:
                    yield event.data
            elif isinstance(event, h2.events.StreamEnded):
                return


async def exchange(stream: Stream, request: Request) -> Http2Response:
    """Send a request and read its response's headers. Raises PeerError, OSError."""
    connection = _Connection(stream)
    await connection.send(request)
    informational = 0
    while True:
        event = await connection.next_event()
        if isinstance(event, h2.events.ResponseReceived):
            head = _head(event)
            check_codings(head, request)
            return Http2Response(connection, head)
        if isinstance(event, h2.events.InformationalResponseReceived):
            informational += 1
            if informational > MOST_INFORMATIONAL:
                raise Flood(f"sends more than {MOST_INFORMATIONAL} informational responses (1xx)")
        elif isinstance(event, h2.events.StreamEnded):
            raise ProtocolViolation("ends the HTTP/2 stream without a response")


class _Connection:
    """One request's frames, both ways."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        self._h2 = h2.connection.H2Connection(config=config)
        self._events: deque[h2.events.Event] = deque()
        # As browsers do, no promise is taken.
        codes = h2.settings.SettingCodes
        values = {codes.ENABLE_PUSH: 0, codes.MAX_HEADER_LIST_SIZE: MOST_FIELDS}
        self._h2.local_settings = h2.settings.Settings(client=True, initial_values=values)
        self._small = self._overhead = 0
        self._header, self._payload, self._frames, self._idle = b"", 0, 0, 0
        self._id = 0

    async def send(self, request: Request) -> None:
        self._h2.initiate_connection()
        self._id = self._h2.get_next_available_stream_id()
        pseudo = [
            (":method", request.method),
            (":authority", request.authority),
            (":scheme", request.scheme),
            (":path", request.target),
        ]
        plain = [(name.lower(), value) for name, value in request.headers]
        plain = [(name, value) for name, value in plain if name not in _PERHOP]
        if request.body:
            plain.append(("content-length", str(len(request.body))))
        self._h2.send_headers(self._id, [*pseudo, *plain], end_stream=not request.body)
        if request.body:
            # Within the smallest window that a server starts with, as all our bodies are.
            self._h2.send_data(self._id, request.body, end_stream=True)
        await self._flush()

    async def next_event(self) -> h2.events.Event:
        """The next event of our stream. Raises PeerError, OSError."""
        while True:
            while self._events:
                event = self._events.popleft()
                if self._concerns_us(event):
                    return event
            data = await self.stream.read()
            if not data:
                raise Truncated("closes the HTTP/2 connection before the response is complete")
            self._check(data)
            try:
                self._events.extend(self._h2.receive_data(data))
            except h2.exceptions.ProtocolError as error:
                raise ProtocolViolation(
                    f"breaks the HTTP/2 protocol ({type(error).__name__})"
                ) from None
            await self._flush()

    def _check(self, data: bytes) -> None:
        """Before h2 sees it, which keeps what a frame announces."""
        self._overhead += len(data)
        if self._overhead > MOST_OVERHEAD:
            raise Flood(f"sends more than {MOST_OVERHEAD >> 10} KiB of HTTP/2 without content")
        at = 0
        while at < len(data):
            if self._payload:
                passed = min(self._payload, len(data) - at)
                self._payload -= passed
            else:
                part = data[at : at + _FRAME_HEADER - len(self._header)]
                passed = len(part)
                self._header += part
                if len(self._header) == _FRAME_HEADER:
                    self._check_frame(self._header)
                    self._header = b""
            at += passed

    def _check_frame(self, header: bytes) -> None:
        """A frame may announce 16 MB. What isn't HTTP/2 at all ends at its first frame, which is
        SETTINGS (RFC 9113, 3.4)."""
        length, kind = int.from_bytes(header[:3]), header[3]
        self._frames += 1
        if self._frames == 1 and (length > _LONGEST_FRAME or kind != _SETTINGS):
            raise ProtocolViolation(f"does not speak HTTP/2: it sends {excerpt(header)}")
        self._payload = length
        if kind != _DATA or not length:
            self._idle += 1 + (length // 6 if kind == _SETTINGS else 0)
            if self._idle > MOST_IDLE:
                raise Flood(f"sends more than {MOST_IDLE} HTTP/2 frames without content")

    def _concerns_us(self, event: h2.events.Event) -> bool:
        if isinstance(event, h2.events.DataReceived):
            self._overhead -= len(event.data or b"")
            self._acknowledge(event)
            if len(event.data or b"") < _SMALL:
                self._count()
            return event.stream_id == self._id
        self._count()
        if isinstance(event, h2.events.StreamReset):
            code = _code(event.error_code)
            raise Truncated(f"resets the HTTP/2 stream ({code})")
        if isinstance(event, h2.events.ConnectionTerminated):
            if (event.last_stream_id or 0) < self._id or event.error_code:
                raise Truncated(f"ends the HTTP/2 connection ({_code(event.error_code)})")
            return False
        return getattr(event, "stream_id", None) == self._id

    def _acknowledge(self, event: h2.events.DataReceived) -> None:
        if event.flow_controlled_length and event.stream_id is not None:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def _count(self) -> None:
        self._small += 1
        if self._small > MOST_SMALL_FRAMES:
            raise Flood(f"sends more than {MOST_SMALL_FRAMES} HTTP/2 frames without content")

    async def _flush(self) -> None:
        pending = self._h2.data_to_send()
        if pending:
            await self.stream.write(pending)


def _head(event: h2.events.ResponseReceived) -> Head:
    headers: CIMultiDict[str] = CIMultiDict()
    status = 0
    for raw_name, raw_value in event.headers or ():
        name, value = _text(raw_name), _text(raw_value)
        if name == ":status":
            status = int(value) if value.isascii() and value.isdigit() else 0
        elif not name.startswith(":"):
            headers.add(name, value)
    if not 200 <= status <= 999:
        raise ProtocolViolation("answers without a status code")
    head = Head((2, 0), status, headers)
    check_unambiguous(head)
    return head


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _code(code: object) -> str:
    return code.name if isinstance(code, h2.errors.ErrorCodes) else str(code)
