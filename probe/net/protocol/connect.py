"""From addresses to a connected stream: Happy Eyeballs, then TLS where the scheme wants it."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from aiohappyeyeballs import start_connection
from yarl import URL

from probe.core.model import CheckAborted
from probe.net.fetch.timing import Timing
from probe.net.protocol.stream import Stream, connect_one
from probe.net.protocol.tls_stream import TlsStream
from probe.net.resolver import Address, routed
from probe.net.tls.observer import TlsObserver
from probe.net.tls.verdict import check_certificate

# RFC 8305, section 5: between two attempts.
ATTEMPT_DELAY = 0.25
# Linux makes a socket that doesn't block at once.
_STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)
SocketFactory = Callable[[int], socket.socket]
Connector = Callable[[URL, tuple[str, ...], Timing, TlsObserver], Awaitable[Stream]]
"""Makes a whole connection to an address, with these protocols to choose from (ALPN)."""


async def connect_tcp(
    addresses: Sequence[Address], socket_for: SocketFactory | None = None
) -> socket.socket:
    """A connected socket; families alternate. ``socket_for`` makes one of a family.

    Raises OSError.
    """
    infos = [
        (each.family, _STREAM, socket.IPPROTO_TCP, "", (each.ip, each.port)) for each in addresses
    ]

    def make(info: tuple[int, int, int, str, tuple[str, int]]) -> socket.socket:
        return socket_for(info[0]) if socket_for else socket.socket(*info[:3])

    if len(infos) == 1:
        return await connect_one(make(infos[0]), infos[0][4])
    task = asyncio.current_task()
    assert task is not None
    connected, cancellations = None, task.cancelling()
    try:
        connected = await start_connection(
            infos,
            happy_eyeballs_delay=ATTEMPT_DELAY,
            interleave=1,
            socket_factory=make,
        )
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        if connected is not None:
            connected.close()
        _take_cancellation(task, cancellations)
        raise
    try:
        _take_cancellation(task, cancellations)
    except asyncio.CancelledError:
        connected.close()
        raise
    return connected


async def connect_routed(
    host: str, addresses: Sequence[Address], socket_for: SocketFactory | None = None
) -> socket.socket:
    """``connect_tcp`` to those of a host's addresses to which this machine knows a way.

    Raises OSError; NotMeasured(own_network) where it knows none.
    """
    if len(addresses) > 1:
        return await connect_tcp(routed(host, addresses), socket_for)
    try:
        return await connect_tcp(addresses, socket_for)
    except OSError:
        # To ask takes a socket: with one address only where it matters.
        routed(host, addresses)
        raise


def _take_cancellation(task: "asyncio.Task[object]", before: int) -> None:
    """aiohappyeyeballs loses a cancellation that comes while it ends its slower attempts."""
    if task.cancelling() > before:
        raise asyncio.CancelledError


async def start_tls(
    sock: socket.socket, context: ssl.SSLContext, server_name: str, handshakes: TlsObserver
) -> Stream:
    """The socket with TLS on it, shaken hands.

    Closes it and raises OSError otherwise, or CheckFailed(tls_failed) for a key that browsers
    do not accept.
    """
    try:
        stream = TlsStream(sock, context, server_name)
    except BaseException:
        sock.close()
        raise
    try:
        await stream.handshake()
    except BaseException as error:
        if isinstance(error, ssl.SSLError):
            handshakes.refused(stream.connection)
        stream.close()
        raise
    handshakes.completed(stream.connection)
    try:
        check_certificate(handshakes.chains[-1], server_name, stream.connection)
    except CheckAborted:
        stream.close()
        raise
    return stream
