"""STUN over TCP and TLS (RFC 8489 section 6.2.2)."""

import asyncio
import socket
import ssl
import time
from typing import cast

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.flow.sliced_socket import ContentSlices
from probe.net.resolver import Address
from probe.stun.byte_counter import CountedSocket, active_counter
from probe.stun.message import Framer
from probe.stun.transport import Receiver, local_address
from probe.stun.transport_errors import error_of

# asyncio has a time-out of its own for handshakes, 60 s; ours is the check's deadline.
_NO_TIMEOUT = 3600.0


class StreamTransport(asyncio.Protocol):
    """A TCP or TLS connection, cut into messages."""

    reliable = True

    def __init__(self, receiver: Receiver, place: str, sock: CountedSocket) -> None:
        self._receiver, self._place, self._sock = receiver, place, sock
        self._framer = Framer(receiver.has_channel)
        self.arrived = 0.0
        self._transport: asyncio.Transport | None = None
        self._content = ContentSlices(sock, self._handle)

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        return local_address(self._transport)

    @property
    def server(self) -> str:
        """The server's address."""
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return str(peer[0]) if peer else ""

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS session, once established."""
        found = self._transport.get_extra_info("ssl_object") if self._transport else None
        return found if isinstance(found, ssl.SSLObject) else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._sock.transport is None:
            self._sock.transport = self._transport

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """TLS over the open connection. Raises OSError, of which SSLError is one."""
        plain, self._transport = cast(asyncio.Transport, self._transport), None
        with self._sock.bounded_handshake():
            secured = await asyncio.get_running_loop().start_tls(
                plain, self, context, server_hostname=host, ssl_handshake_timeout=_NO_TIMEOUT
            )
        if secured is None:  # it ended with the handshake
            raise ConnectionResetError
        self._transport = secured

    def data_received(self, data: bytes) -> None:
        self.arrived = time.monotonic()
        self._content.add(data)

    def _handle(self, piece: bytes) -> None:
        try:
            for frame in self._framer.feed(piece):
                self._receiver.message_received(frame)
        except ValueError:
            # Where the next message begins is unknown from here on.
            self._receiver.connection_lost(
                CheckFailed(Cause.PROTOCOL_ERROR, f"{self._place} does not speak TURN")
            )
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return  # during the handshake, which raises it
        self._content.finish()
        self._receiver.connection_lost(error_of(exc or ConnectionResetError(), self._place))

    def send(self, frame: bytes) -> None:
        """Send one message."""
        if self._transport is not None and not self._transport.is_closing():
            # RFC 8656 section 12.5: padded to 4 bytes, unlike on UDP.
            self._transport.write(frame + bytes(-len(frame) % 4))

    def abort(self) -> None:
        """Close at once; a TLS shutdown could wait for the other side."""
        self._sock.count()
        self._content.clear()
        if self._transport is not None:
            self._transport.abort()


async def open_stream(address: Address, receiver: Receiver, place: str) -> StreamTransport:
    """The TCP connection alone: TLS comes in a step of its own.

    asyncio's connecting with TLS in one step forgets the connection if it is cancelled
    before the handshake's first packet; a step that begins with a transport ends it.
    """
    sock = await _connect(address, place)
    loop = asyncio.get_running_loop()
    _, transport = await loop.create_connection(
        lambda: StreamTransport(receiver, place, sock), sock=sock
    )
    return transport


async def _connect(address: Address, place: str) -> CountedSocket:
    sock = CountedSocket(address.family, active_counter())
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address.ip, address.port))
        # Echoes are timed: none may wait for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        sock.close()
        raise error_of(error, place, "connect") from None
    except BaseException:
        sock.close()
        raise
    return sock
