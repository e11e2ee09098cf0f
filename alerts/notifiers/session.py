"""An HTTP session for one attempt at a delivery, of which nothing is left when it fails.

A socket that is closed goes on sending what the kernel holds of it, for a minute and more: an
attempt that was given up while the way was cut would be delivered once the way is back, after
the message was sent again or by another probe. Until there is an answer, closing resets the
connection instead (SO_LINGER with zero seconds, socket(7)).

That a connection can be opened is news by itself where a cut network heals: what is to be done
first with that knowledge (:func:`alerts.notifier.once_connected`) is done before anything of the
message is sent.
"""

import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from alerts.notifier import CONNECTED
from probe.net.flow.capped_socket import BESIDE_BODY, CappedSocket
from probe.net.tls.contexts import service_context

if TYPE_CHECKING:
    import aiohttp

_PLAIN = {"Accept-Encoding": "identity"}
_RESETS, _FLUSHES = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)


@asynccontextmanager
async def session_for_attempt(
    longest: int, **options: Any
) -> "AsyncIterator[aiohttp.ClientSession]":
    """A session; ``options`` are those of aiohttp's. A block that is left by an exception, a
    deadline or a cancellation among them, resets its connections.

    A connection brings at most ``longest`` bytes of body, and no coding of it is undone: a
    receiver that is asked for none and sends gzip could fill the memory with it.
    """
    from probe.net.flow.aiohttp_import import aiohttp
    from probe.net.flow.aiohttp_resolver import SharedLookups

    opened: list[socket.socket] = []

    def open_socket(info: Sequence[Any]) -> socket.socket:
        made = CappedSocket(info[0], longest + BESIDE_BODY)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
        opened.append(made)
        return made

    async def connected(*_: object) -> None:
        if (wait := CONNECTED.get()) is not None:
            CONNECTED.set(None)
            await wait()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    resolver, tls = SharedLookups(), service_context()
    connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=open_socket, ssl=tls)
    async with aiohttp.ClientSession(
        connector=connector,
        headers=_PLAIN,
        auto_decompress=False,
        trace_configs=[trace],
        **options,
    ) as session:
        yield session
        for each in opened:
            if each.fileno() >= 0:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FLUSHES)
