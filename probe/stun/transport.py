"""Transports to a STUN or TURN server: a UDP socket, a TCP connection, TLS over one.

A transport carries whole messages; ``transport_errors`` makes errors causes.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, cast

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.flow.sliced_socket import ContentSlices
from probe.net.protocol.tls_chain import chain_of
from probe.net.resolver import Address
from probe.net.tls import check_certificate, client_context
from probe.stun.byte_counter import (
    UDP_HEADER,
    ByteCounter,
    CountedSocket,
    active_counter,
    connect_counted,
    ip_header,
)
from probe.stun.message import Framer
from probe.stun.timestamped_socket import TimestampedSocket, connected_socket
from probe.stun.transport_errors import error_of, tls_error_of
from probe.stun.uri import TurnUri, format_hostport

Phases = Callable[[str], AbstractContextManager[None]]
"""Times a phase by name, as ``Recorder.phase`` does."""


@contextmanager
def untimed(_: str) -> Iterator[None]:
    """Phases that are not timed."""
    yield


# A server that is restarted refuses once; who asks again is answered.
_REFUSALS_FORGIVEN = 1
# asyncio has a time-out of its own for handshakes, 60 s; ours is the check's deadline.
_NO_TIMEOUT = 3600.0


class Receiver(Protocol):
    """Receives what a transport brings. No method may raise."""

    def has_channel(self, number: int) -> bool:
        """Whether ChannelData may come with this number."""

    def message_received(self, frame: bytes) -> None:
        """One whole message, or whatever a datagram held."""

    def connection_lost(self, error: CheckAborted) -> None:
        """The connection is lost."""


class Transport(Protocol):
    """A connection to the server; ``reliable`` ones need no retransmission."""

    reliable: bool

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port, as this machine knows them."""

    @property
    def arrived(self) -> float:
        """When the last message reached this machine, in seconds of ``time.monotonic``."""

    def send(self, frame: bytes) -> None:
        """Send one whole message, or lose it."""

    def abort(self) -> None:
        """Close at once, without notice to the other side."""

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS session, once established."""


class UdpTransport(asyncio.DatagramProtocol):
    """A connected UDP socket: only the server's packets come in."""

    reliable = False

    def __init__(
        self,
        receiver: Receiver,
        place: str,
        header: int,
        traffic: ByteCounter,
        sock: TimestampedSocket,
    ) -> None:
        self._receiver, self._place, self._sock = receiver, place, sock
        self._header, self._traffic = header, traffic
        self._transport: asyncio.DatagramTransport | None = None
        self._refusals = 0
        self.tls_object: ssl.SSLObject | None = None

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        return _local(self._transport)

    @property
    def arrived(self) -> float:
        """When the last datagram reached this machine, by the kernel's timestamp."""
        return self._sock.arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _: object) -> None:
        self._traffic.received += len(data) + self._header
        self._refusals = 0
        self._receiver.message_received(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, ConnectionRefusedError):
            self._refusals += 1
            if self._refusals <= _REFUSALS_FORGIVEN:
                return  # the request is sent again, as browsers do
        self._receiver.connection_lost(error_of(exc, self._place))

    def send(self, frame: bytes) -> None:
        """Send one datagram, or lose it."""
        if self._transport is not None and not self._transport.is_closing():
            self._traffic.sent += len(frame) + self._header
            self._transport.sendto(frame)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


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
        return _local(self._transport)

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


def _local(transport: asyncio.BaseTransport | None) -> tuple[str, int]:
    host, port = transport.get_extra_info("sockname")[:2] if transport else ("", 0)
    return str(host), int(port)


async def open_transport(
    url: TurnUri,
    address: Address,
    receiver: Receiver,
    *,
    phases: Phases,
    tls: ssl.SSLContext | None = None,
) -> Transport:
    """Open the way that the URL names to one of its addresses.

    ``tls`` is the context for ``turns:``; None trusts the system's authorities. Times the
    phases ``connect`` and ``tls``; UDP has neither. Raises CheckFailed with the phase.
    """
    if url.kind == "udp":
        return await connect_transport(url, address, receiver)
    # To load the authorities takes time that is not the server's.
    context = (tls or client_context()) if url.kind == "tls" else None
    with phases("connect"):
        transport = await connect_transport(url, address, receiver)
    if context is not None:
        with phases("tls"):
            await secure_transport(transport, url, context)
    return transport


async def connect_transport(url: TurnUri, address: Address, receiver: Receiver) -> Transport:
    """The socket alone; TLS comes in a step of its own. Raises CheckFailed with the phase."""
    place = format_hostport(url.host, url.port)
    if url.kind == "udp":
        return await _open_udp(address, receiver, place)
    return await _open_stream(address, receiver, place)


async def secure_transport(transport: Transport, url: TurnUri, context: ssl.SSLContext) -> None:
    """TLS over a TCP connection. Raises CheckFailed with the phase."""
    stream = cast(StreamTransport, transport)
    try:
        await stream.secure(context, url.host)
    except OSError as error:
        raise tls_error_of(error, format_hostport(url.host, url.port)) from None
    if (tls := stream.tls_object) is not None:
        try:
            check_certificate(chain_of(tls, verified=True), url.host, tls)
        except CheckFailed:
            stream.abort()
            raise


async def _open_udp(address: Address, receiver: Receiver, place: str) -> Transport:
    loop, traffic = asyncio.get_running_loop(), active_counter()
    header = ip_header(address.family) + UDP_HEADER
    try:
        sock = connected_socket(address)
        _, transport = await loop.create_datagram_endpoint(
            lambda: UdpTransport(receiver, place, header, traffic, sock), sock=sock
        )
    except OSError as error:
        raise error_of(error, place, "connect") from None
    return transport


async def _open_stream(address: Address, receiver: Receiver, place: str) -> StreamTransport:
    """The TCP connection alone: TLS comes in a step of its own.

    asyncio's connecting with TLS in one step forgets the connection if it is cancelled
    before the handshake's first packet; a step that begins with a transport ends it.
    """
    try:
        sock = await connect_counted(address)
    except OSError as error:
        raise error_of(error, place, "connect") from None
    loop = asyncio.get_running_loop()
    _, transport = await loop.create_connection(
        lambda: StreamTransport(receiver, place, sock), sock=sock
    )
    return transport
