"""Between aioice and a relay that is reached by TCP or TLS: what the relay sends is counted.

aioice reads with asyncio's own transports, 256 KiB at once, copies all that it has for each message
in it, and takes messages without end: a relay that floods would hold up the event loop for half a
second, again and again. It takes no socket of ours; so it connects to loopback, and the
connection to the relay is a stream of ours, with TLS, in slices and within a budget.
"""

import asyncio
from contextlib import suppress

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.ice.relay_transport import RelayServer
from probe.net.flow.tls_records import TlsFlood
from probe.net.protocol.connect import connect_tcp
from probe.net.protocol.errors import Flood, PeerError, ProtocolViolation
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_stream import TlsStream
from probe.net.racing import MAX_PENDING
from probe.stun.connection import BYTES_FOR_ONE, MAX_BYTES, MAX_MESSAGES, MESSAGES_FOR_ONE
from probe.stun.message import FIRST_CHANNEL, LAST_CHANNEL, Framer
from probe.stun.uri import format_hostport

_LOOPBACK = "127.0.0.1"


class RelayGuard:
    """One connection to a relay. ``failure`` says why the guard has ended it."""

    def __init__(self, relay: RelayServer) -> None:
        self._relay = relay
        self._place = format_hostport(relay.url.host, relay.url.port)
        self._stream: Stream | None = None
        self._server: asyncio.Server | None = None
        self._forwarding: asyncio.Task[None] | None = None
        self._framer = Framer(lambda number: FIRST_CHANNEL <= number <= LAST_CHANNEL)
        self._messages = [0, 0]
        self._bytes = [0, 0]
        self.failure: CheckFailed | None = None
        self.failed = asyncio.Event()

    async def open(self) -> tuple[str, int]:
        """Connect to the relay; the address that aioice connects to. Raises OSError."""
        connected = await connect_tcp(self._relay.addresses, at_once=MAX_PENDING)
        if self._relay.tls is None:
            self._stream = Stream(connected)
        else:
            try:
                secured = TlsStream(connected, self._relay.tls, self._relay.url.host)
            except BaseException:
                connected.close()
                raise
            self._stream = secured
            try:
                await secured.handshake()
            except BaseException:
                secured.close()
                raise
        self._server = await asyncio.start_server(self._accept, _LOOPBACK, 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def close(self) -> None:
        """End both connections."""
        if self._server is not None:
            self._server.close()
        if self._forwarding is not None:
            self._forwarding.cancel()
        if self._stream is not None:
            self._stream.close()
        if self._forwarding is not None:
            await asyncio.gather(self._forwarding, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._forwarding is None:
            self._forwarding = asyncio.create_task(self._forward(reader, writer))
        else:  # somebody else on this machine
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._stream is not None
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._send(reader, self._stream))
                both.create_task(self._receive(self._stream, writer))
        except* (OSError, PeerError) as errors:
            for error in errors.exceptions:
                self._fail(error)
        finally:
            writer.transport.abort()
            self._stream.close()

    async def _send(self, reader: asyncio.StreamReader, stream: Stream) -> None:
        while data := await reader.read(1 << 14):
            self._messages[0] += 1
            self._bytes[0] += len(data)
            await stream.write(data)
        raise ConnectionResetError

    async def _receive(self, stream: Stream, writer: asyncio.StreamWriter) -> None:
        while data := await stream.read():
            self._count(data)
            writer.write(data)
            with suppress(ConnectionError):
                await writer.drain()
        raise ConnectionResetError

    def _count(self, data: bytes) -> None:
        self._bytes[1] += len(data)
        try:
            self._messages[1] += sum(1 for _ in self._framer.feed(data))
        except ValueError:
            raise ProtocolViolation("does not speak TURN") from None
        if (
            self._messages[1] > MAX_MESSAGES + MESSAGES_FOR_ONE * self._messages[0]
            or self._bytes[1] > MAX_BYTES + BYTES_FOR_ONE * self._bytes[0]
        ):
            raise Flood(
                f"sends {self._messages[1]} messages of {self._bytes[1]} bytes, far more than was "
                "asked for"
            )

    def _fail(self, error: BaseException) -> None:
        """A connection that ends is no failure: aioice sees it."""
        if isinstance(error, PeerError | TlsFlood):
            is_flood = isinstance(error, Flood | TlsFlood)
            cause = Cause.FLOODED if is_flood else Cause.PROTOCOL_ERROR
            self.failure = CheckFailed(cause, f"{self._place} {error.detail}")
            self.failed.set()
