"""A stream of HTTP/2 that carries a WebSocket (RFC 8441)."""

from probe.net.protocol.http2.connection import Http2Connection


class Http2Tunnel:
    """The newest stream of a connection, once CONNECT was answered by 200."""

    def __init__(self, connection: Http2Connection) -> None:
        self._connection = connection

    @property
    def received(self) -> int:
        """Bytes of the connection that were read."""
        return self._connection.stream.received

    async def read(self, *, at_once: bool = True) -> bytes:
        """The next bytes; empty at the end. Raises PeerError, OSError."""
        while not self._connection.is_over:
            event = await self._connection.next_event(is_answered=True)
            if isinstance(event, bytes) and event:
                return event
        return b""

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        await self._connection.send_data(data)

    def close(self) -> None:
        """End the connection at once."""
        self._connection.stream.close()
