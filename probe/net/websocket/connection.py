"""A WebSocket's messages (RFC 6455), read with budgets."""

import asyncio
from contextlib import suppress

from msgspec import Struct
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import Extension

from probe.net.flow.pace import MAX_SLICE
from probe.net.protocol.errors import Flood, ProtocolViolation
from probe.net.protocol.exchange import HttpResponse
from probe.net.websocket.permessage_deflate import MAX_RETAINED, PerMessageDeflate

# Far more than a session of minutes brings: pings, queue updates, candidates.
MAX_MESSAGES = 2000
MAX_BYTES = 32 << 20
CLOSE_TIMEOUT = 0.5
_PAUSE_AFTER, _PAUSE = 16, 0.005
# Of compressed bytes, which may become a thousand times as many, so many are read in one turn.
_INFLATED_AT_ONCE = 2048


class WebSocketMessage(Struct, frozen=True):
    """One message; ``is_whole`` is false where its end was dropped for its length."""

    data: str | bytes
    is_whole: bool = True


class WebSocket:
    """An open WebSocket on the stream of an accepted handshake, with its ``compression``.

    ``close_code`` is the other side's, None while it has not closed.
    """

    def __init__(
        self, response: HttpResponse, compression: PerMessageDeflate | None = None
    ) -> None:
        self.close_code: int | None = None
        self._stream = response.upgraded
        extensions: list[Extension] = [] if compression is None else [compression]
        self._connection = Connection(ConnectionType.CLIENT, extensions)
        self._unread = response.rest
        self._at_once = _INFLATED_AT_ONCE if extensions else MAX_SLICE
        self._messages, self._handled, self._paused = 0, 0, 0.0
        self._parts: list[str | bytes] = []
        self._length = 0
        self._at_end = self._is_broken = False

    async def receive(self) -> WebSocketMessage | None:
        """The next message; None when the connection is closed. Raises PeerError, OSError."""
        while self.close_code is None:
            for event in self._connection.events():
                await self._yield_if_busy()
                if isinstance(event, TextMessage | BytesMessage):
                    message = self._collect(event)
                    if message is not None:
                        return message
                elif isinstance(event, Ping):
                    await self._stream.write(self._connection.send(event.response()))
                elif isinstance(event, CloseConnection):
                    await self._closed(event)
                    return None
                elif isinstance(event, Pong):
                    continue
            await self._read()
        return None

    async def send(self, text: str) -> None:
        """Send a text message; nothing once the connection is closing. Raises OSError."""
        if self._connection.state is ConnectionState.OPEN:
            await self._stream.write(self._connection.send(TextMessage(data=text)))

    async def close(self) -> None:
        """Close, and wait a moment for the other side to close as well. Never raises."""
        try:
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    if self._connection.state is ConnectionState.OPEN:
                        await self._stream.write(self._connection.send(CloseConnection(code=1000)))
                    while not self._is_broken and await self.receive() is not None:
                        pass
        finally:
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._stream.close()

    async def _read(self) -> None:
        if not self._unread:
            self._unread = b"" if self._at_end else await self._stream.read(at_once=False)
            self._at_end = not self._unread
        if self._stream.received > MAX_BYTES:
            raise Flood(f"sends more than {MAX_BYTES >> 20} MiB over the WebSocket")
        piece, self._unread = self._unread[: self._at_once], self._unread[self._at_once :]
        self._connection.receive_data(piece or None)

    async def _yield_if_busy(self) -> None:
        """Count a frame, and give the loop a turn now and then; a rest, where they flood."""
        self._handled += 1
        if self._handled % _PAUSE_AFTER == 0:
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(_PAUSE if now - self._paused < 2 * _PAUSE else 0)
            self._paused = asyncio.get_running_loop().time()
        if self._handled > MAX_MESSAGES + self._stream.received // 1024:
            raise Flood(f"sends thousands of WebSocket frames ({self._handled})")

    def _collect(self, event: TextMessage | BytesMessage) -> WebSocketMessage | None:
        data: str | bytes = event.data if isinstance(event.data, str) else bytes(event.data)
        if self._length < MAX_RETAINED:
            self._parts.append(data)
        self._length += len(data)
        if not event.message_finished:
            return None
        self._messages += 1
        if self._messages > MAX_MESSAGES:
            raise Flood(f"sends more than {MAX_MESSAGES} messages")
        whole = self._length <= MAX_RETAINED
        joined: str | bytes
        if isinstance(event, BytesMessage):
            joined = b"".join(each for each in self._parts if isinstance(each, bytes))
        else:
            joined = "".join(each for each in self._parts if isinstance(each, str))
        self._parts, self._length = [], 0
        return WebSocketMessage(joined, whole)

    async def _closed(self, event: CloseConnection) -> None:
        state = self._connection.state
        if state in (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING):
            # No close frame: wsproto gave up on what it read, and would keep all that follows.
            self._is_broken = True
            raise ProtocolViolation("breaks the WebSocket protocol")
        self.close_code = int(event.code)
        if state is ConnectionState.REMOTE_CLOSING:
            with suppress(OSError):
                await self._stream.write(self._connection.send(event.response()))
