"""One connection to a store of which a bounded number of bytes is read.

asyncpg and redis-py receive whatever a server announces: 2.1 GB of one message, 6.2 GB of one
bulk string were measured, in the process that watches everything else; and asyncpg computes
the SCRAM iterations that a server asks for in the event loop. A worker process to contain them
takes 25 MB (Python with asyncio and asyncpg), more than the checks are worth. The few messages
that the checks exchange are spoken here instead, over a stream that counts.
"""

import socket
import ssl
from typing import Self

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.protocol.connect import connect_tcp
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_stream import TlsStream
from probe.net.resolver import Address
from probe.stores.errors import closed

# Either check needs less than 16 KiB.
MAX_BYTES = 256 << 10
_MAX_LINE = 16 << 10


async def connect_socket(addresses: list[Address]) -> socket.socket:
    """A socket to the address that takes the connection first (RFC 8305, as Node's clients do).

    Raises OSError.
    """
    return await connect_tcp(addresses)


class BoundedStream:
    """Reads at most MAX_BYTES; ``host`` is the server for people."""

    def __init__(self, stream: Stream, host: str) -> None:
        self._stream, self.host = stream, host
        self._buffer = bytearray()
        self._left = MAX_BYTES
        self._has_sent = False

    @classmethod
    async def over(
        cls,
        connection: socket.socket,
        host: str,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> Self:
        """A stream over a connected socket, with TLS where there is a context for it.

        The socket belongs to the stream from now on, also where this raises (OSError, of which
        ssl.SSLError is one).
        """
        try:
            stream = TlsStream(connection, tls, server_name) if tls else Stream(connection)
        except BaseException:
            connection.close()
            raise
        if isinstance(stream, TlsStream):
            try:
                await stream.handshake()
            except ssl.SSLEOFError:
                stream.close()
                raise ConnectionResetError from None
            except BaseException:
                stream.close()
                raise
        return cls(stream, host)

    async def send(self, data: bytes) -> None:
        """Send it; what is sent is short."""
        self._has_sent = True
        await self._stream.write(data)

    async def read(self, length: int) -> bytes:
        """So many bytes. Raises CheckFailed: connection_closed, flooded."""
        self._count(length)
        while len(self._buffer) < length:
            await self._receive()
        return self._taken(length)

    async def read_line(self) -> bytes:
        """A line without its CR LF, of at most 16 KiB.

        Raises CheckFailed: connection_closed, flooded; protocol_error for a longer one.
        """
        seen = 0
        while (at := self._buffer.find(b"\r\n", max(0, seen - 1))) < 0:
            seen = len(self._buffer)
            if seen > _MAX_LINE:
                message = f"{self.host} sends a line without an end"
                raise CheckFailed(Cause.PROTOCOL_ERROR, message)
            await self._receive()
        self._count(at + 2)
        return self._taken(at + 2)[:-2]

    @property
    def peer_certificate(self) -> bytes | None:
        """The server's certificate in DER; None without TLS."""
        stream = self._stream
        return (
            stream.connection.getpeercert(binary_form=True)
            if isinstance(stream, TlsStream)
            else None
        )

    def close(self) -> None:
        """Close, without waiting for the server."""
        self._stream.close()

    async def _receive(self) -> None:
        data = await self._stream.read(at_once=not self._has_sent)
        self._has_sent = False
        if not data:
            raise closed(self.host)
        self._buffer += data

    def _taken(self, length: int) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            message = f"{self.host} sends more than {MAX_BYTES >> 10} KiB for one query"
            raise CheckFailed(Cause.FLOODED, message)
