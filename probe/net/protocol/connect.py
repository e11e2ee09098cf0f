"""From addresses to a connected stream: Happy Eyeballs, then TLS where the scheme wants it."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence

from yarl import URL

from probe.core.model import CheckAborted
from probe.net.fetch.timing import Timing
from probe.net.protocol.stream import Stream, connect_one
from probe.net.protocol.tls_stream import TlsStream
from probe.net.racing import ATTEMPT_DELAY, MAX_PENDING, interleaved
from probe.net.resolver import Address, routed
from probe.net.tls.observer import TlsObserver
from probe.net.tls.verdict import check_certificate

# Linux makes a socket that doesn't block at once.
_STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)
SocketFactory = Callable[[int], socket.socket]
Connector = Callable[[URL, tuple[str, ...], Timing, TlsObserver], Awaitable[Stream]]
"""Makes a whole connection to an address, with these protocols to choose from (ALPN)."""


async def connect_tcp(
    addresses: Sequence[Address],
    socket_for: SocketFactory | None = None,
    *,
    at_once: int | None = None,
) -> socket.socket:
    """A connected socket; families alternate, and the next address is tried beside one that is
    silent, or after one that fails. ``at_once`` is how many may be silent at a time (None: any
    number). ``socket_for`` makes one of a family.

    Raises OSError.
    """

    async def attempt(each: Address) -> socket.socket:
        made = socket_for(each.family) if socket_for else socket.socket(each.family, _STREAM)
        return await connect_one(made, (each.ip, each.port))

    if len(addresses) == 1:
        return await attempt(addresses[0])
    return await _race(interleaved(addresses), attempt, at_once or len(addresses))


async def _race(
    addresses: Sequence[Address],
    attempt: Callable[[Address], Awaitable[socket.socket]],
    at_once: int,
) -> socket.socket:
    waiting = list(reversed(addresses))
    trying: set[asyncio.Future[socket.socket]] = set()
    failures: list[OSError] = []
    try:
        while waiting or trying:
            if waiting and len(trying) < at_once:
                trying.add(asyncio.ensure_future(attempt(waiting.pop())))
            delay = ATTEMPT_DELAY if waiting and len(trying) < at_once else None
            ended, _ = await asyncio.wait(
                trying, timeout=delay, return_when=asyncio.FIRST_COMPLETED
            )
            for each in ended:
                trying.discard(each)
                try:
                    won = each.result()
                except OSError as error:
                    failures.append(error)
                else:
                    trying |= ended - {each}
                    return won
    finally:
        _give_up(trying)
    raise _all_of(failures)


def _give_up(trying: Iterable["asyncio.Future[socket.socket]"]) -> None:
    """End attempts without waiting for them; what they have connected meanwhile is closed."""
    for task in trying:
        task.add_done_callback(_close_connected)
        task.cancel()


def _close_connected(task: "asyncio.Future[socket.socket]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _all_of(failures: Sequence[OSError]) -> OSError:
    """One error for all attempts, with a number where they have the same."""
    said = list(dict.fromkeys(map(str, failures)))
    if len(said) == 1:
        return failures[0]
    numbers = {each.errno for each in failures}
    message = f"Multiple exceptions: {', '.join(map(str, failures))}"
    return OSError(numbers.pop(), message) if len(numbers) == 1 else OSError(message)


async def connect_routed(
    host: str, addresses: Sequence[Address], socket_for: SocketFactory | None = None
) -> socket.socket:
    """``connect_tcp`` as browsers do it, to those of a host's addresses to which this machine
    knows a way.

    Raises OSError; NotMeasured(own_network) where it knows none.
    """
    if len(addresses) > 1:
        known = routed(host, addresses)
        return await connect_tcp(known, socket_for, at_once=MAX_PENDING)
    try:
        return await connect_tcp(addresses, socket_for)
    except OSError:
        # To ask takes a socket: with one address only where it matters.
        routed(host, addresses)
        raise


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
