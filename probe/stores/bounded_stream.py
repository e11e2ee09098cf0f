"""One connection to a store of which a bounded number of bytes is read.

asyncpg and redis-py receive whatever a server announces: 2.1 GB of one message, 6.2 GB of one
bulk string were measured, in the process that watches everything else; and asyncpg computes
the SCRAM iterations that a server asks for in the event loop. A worker process to contain them
takes 25 MB (Python with asyncio and asyncpg), more than the checks are worth. The few messages
that the checks exchange are spoken here instead, over a stream that counts.
"""

import asyncio
import socket
import ssl
from contextlib import nullcontext
from typing import Self

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.net.protocol.connect import connect_tcp
from probe.net.protocol.sliced_socket import MOST_WITHOUT_CONTENT, RecordBudget, SlicedSocket
from probe.net.resolver import Address
from probe.stores.errors import closed

# Either check needs less than 16 KiB.
MAX_BYTES = 256 << 10
_READ_AHEAD = 16 << 10


async def connect_socket(addresses: list[Address]) -> SlicedSocket:
    """A socket to the address that takes the connection first (RFC 8305, as Node's clients do).

    Raises OSError.
    """
    connected = await connect_tcp(
        addresses, lambda family: SlicedSocket(family, socket.SOCK_STREAM)
    )
    assert isinstance(connected, SlicedSocket)
    return connected


class BoundedStream:
    """Reads at most MAX_BYTES; ``host`` is the server for people."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> None:
        self._reader, self._writer, self.host = reader, writer, host
        self._left = MAX_BYTES

    @classmethod
    async def over(
        cls,
        connection: SlicedSocket,
        host: str,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> Self:
        """A stream over a connected socket, with TLS where there is a context for it.

        The socket belongs to the stream from now on, also where this raises.
        """
        try:
            with connection.bounded_handshake() if tls else nullcontext():
                reader, writer = await asyncio.open_connection(
                    sock=connection,
                    ssl=tls,
                    server_hostname=server_name if tls else None,
                    limit=_READ_AHEAD,
                )
        except BaseException:
            connection.close()
            raise
        if tls is not None:
            connection.records = RecordBudget(MAX_BYTES + MOST_WITHOUT_CONTENT)
        return cls(reader, writer, host)

    async def send(self, data: bytes) -> None:
        """Send it; what is sent is short."""
        self._writer.write(data)
        await self._writer.drain()

    async def read(self, length: int) -> bytes:
        """So many bytes. Raises CheckFailed: connection_closed, flooded."""
        self._count(length)
        try:
            return await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise closed(self.host) from None

    async def read_line(self) -> bytes:
        """A line without its CR LF, of at most 16 KiB.

        Raises CheckFailed: connection_closed, flooded; protocol_error for a longer one.
        """
        try:
            line = await self._reader.readuntil(b"\r\n")
        except asyncio.IncompleteReadError:
            raise closed(self.host) from None
        except asyncio.LimitOverrunError:
            message = f"{self.host} sends a line without an end"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message) from None
        self._count(len(line))
        return line[:-2]

    @property
    def peer_certificate(self) -> bytes | None:
        """The server's certificate in DER; None without TLS."""
        tls: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if tls is not None else None

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def close(self, context: Context, timeout: float) -> None:
        """Close in an orderly way, behind the check's back if that takes longer."""
        self._writer.close()
        await context.closing.close(self._closed(), timeout=timeout)

    async def _closed(self) -> None:
        try:
            await self._writer.wait_closed()
        except OSError:
            return

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            message = f"{self.host} sends more than {MAX_BYTES >> 10} KiB for one question"
            raise CheckFailed(Cause.FLOODED, message)
