"""Connections to the server are bounded in number and time, so that no client stops the checks.

aiohttp has no limit of connections, nor of the time that a header may take. Each connection
passes through here on its way to aiohttp's protocol: a new one beyond the limit closes the
oldest idle one, a header has to be complete within 5 s, a connection may be idle for 30 s, and
a request takes at most 15 s. A run on request takes as long as a scrape may at most, and a stream
of events lasts, as long as something is sent once a minute.
"""

import asyncio
import select
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.core.resources import descriptor_limit
from probe.web.access import PROBE_PATH


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections at once, and seconds."""

    connections: int
    header: float = 5.0
    idle: float = 30.0
    request: float = 15.0
    stream: float = 60.0
    # A scrape's timeout counts up to 120 s there.
    probe: float = 135.0

    @classmethod
    def of_process(cls) -> "ConnectionLimits":
        """Three quarters of the process' descriptors are for its checks."""
        return cls(connections=max(16, min(256, descriptor_limit() // 4)))

    @property
    def backlog(self) -> int:
        """How many connections are taken in one turn of the event loop."""
        return max(4, min(self.connections // 2, 128))


GRACE_SECONDS = 1.0
"""For so long a connection may be silent, or in the middle of a header, without being slow."""


class ConnectionState(IntEnum):
    """What a connection is doing."""

    SILENT = 0
    IDLE = 1
    STREAM = 2
    HEADER = 3
    REQUEST = 4


class ConnectionTable:
    """All connections of a server; ``tls`` gives the context for the next one, None for none."""

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        limits: ConnectionLimits,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        accepts: Callable[[asyncio.Transport], bool] = lambda _: True,
    ) -> None:
        self.limits, self.tls, self.accepts = limits, tls, accepts
        self._make_protocol = make_protocol
        self._open: dict[BoundedConnection, None] = {}
        self._by_transport: dict[asyncio.BaseTransport, BoundedConnection] = {}
        self.closed_for_room = 0

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list["BoundedConnection"]:
        """Those that are open, the oldest first."""
        return list(self._open)

    def new(self) -> "BoundedConnection":
        """The protocol of one more connection."""
        return BoundedConnection(self, self._make_protocol())

    def add(self, connection: "BoundedConnection") -> bool:
        """Add it; False if every other one is in the middle of a request."""
        if len(self._open) >= self.limits.connections:
            oldest = self._first_to_close()
            if oldest.state is ConnectionState.REQUEST:
                return False
            self.closed_for_room += 1
            oldest.abort()
            self.remove(oldest)
        self._open[connection] = None
        return True

    def _first_to_close(self) -> "BoundedConnection":
        """The oldest of those that wait for nothing, then of the slow ones, then of the new ones.

        Whose request has arrived, but was not read yet, is not taken for silent: in a storm of
        connections no client would be answered otherwise.
        """
        now, waiting = asyncio.get_running_loop().time(), select.poll()
        for each in self._open:
            if each.state is ConnectionState.SILENT and each.descriptor >= 0:
                waiting.register(each.descriptor, select.POLLIN)
        readable = {descriptor for descriptor, _ in waiting.poll(0)}

        def place(each: BoundedConnection) -> tuple[int, float]:
            is_slow = now - each.since >= GRACE_SECONDS
            match each.state:
                case ConnectionState.SILENT if each.descriptor in readable:
                    rank = 5
                case ConnectionState.SILENT:
                    rank = 0 if is_slow else 4
                case ConnectionState.HEADER:
                    rank = 3 if is_slow else 5
                case state:
                    rank = {ConnectionState.IDLE: 1, ConnectionState.STREAM: 2}.get(state, 6)
            return rank, each.since

        return min(self._open, key=place)

    def serves(self, connection: "BoundedConnection", transport: asyncio.BaseTransport) -> None:
        """Requests of this transport are the connection's."""
        self._by_transport[transport] = connection

    def remove(self, connection: "BoundedConnection") -> None:
        """Remove it."""
        self._open.pop(connection, None)
        if connection.transport is not None:
            self._by_transport.pop(connection.transport, None)

    def of(self, request: web.Request) -> "BoundedConnection | None":
        """The connection that a request came on."""
        transport = request.transport
        return self._by_transport.get(transport) if transport is not None else None


class BoundedConnection(asyncio.Protocol):
    """One connection: passes everything on, and ends what takes too long."""

    def __init__(self, table: ConnectionTable, inner: asyncio.Protocol) -> None:
        self._table, self._inner = table, inner
        self._raw: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.state, self.since = ConnectionState.SILENT, 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start at once, or with a TLS handshake."""
        self._raw = cast(asyncio.Transport, transport)
        if not self._table.add(self):
            self._raw.abort()
            return
        self.enter(ConnectionState.SILENT)
        context = self._table.tls()
        if context is None:
            self._begin(self._raw)
            return
        self._raw.pause_reading()
        self._handshake = asyncio.get_running_loop().create_task(self._start_tls(context))

    def data_received(self, data: bytes) -> None:
        """The first bytes after a pause have to become a header soon."""
        if self.transport is None:
            self._early += data
            return
        if self.state <= ConnectionState.IDLE:
            self.enter(ConnectionState.HEADER)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """The other side sends no more."""
        return self._inner.eof_received() if self.transport is not None else None

    def pause_writing(self) -> None:
        """The reader is slow."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """It was closed, by either side."""
        if self._timer is not None:
            self._timer.cancel()
        if self._handshake is not None:
            self._handshake.cancel()
        self._table.remove(self)
        if self.transport is not None:
            self._inner.connection_lost(error)
            self.transport = None

    def enter(self, state: ConnectionState, seconds: float | None = None) -> None:
        """Enter this state, with its timeout, or another one."""
        loop, limits = asyncio.get_running_loop(), self._table.limits
        if self._timer is not None:
            self._timer.cancel()
        self.state, self.since = state, loop.time()
        usual = (limits.header, limits.idle, limits.stream, limits.header, limits.request)[state]
        self._timer = loop.call_later(usual if seconds is None else seconds, self.abort)

    @property
    def limits(self) -> ConnectionLimits:
        """Those of its table."""
        return self._table.limits

    @property
    def descriptor(self) -> int:
        """Its socket's."""
        return self._raw.get_extra_info("socket").fileno() if self._raw is not None else -1

    def abort(self) -> None:
        """Close it at once."""
        if self._raw is not None:
            self._raw.abort()

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        assert self._raw is not None
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._raw,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self._table.limits.header,
            )
        except (OSError, ValueError):  # no TLS, no certificate, or a client that has gone
            self.abort()
            self._table.remove(self)
            return
        if transport is None or not self._table.accepts(transport):
            self.abort()
            return
        self._begin(transport)
        if self._early:
            self._inner.data_received(bytes(self._early))
            self._early.clear()

    def _begin(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._table.serves(self, transport)
        self._inner.connection_made(transport)


def one_after_the_other(paths: frozenset[str], at_once: int) -> Middleware:
    """A middleware that handles only few requests at a time, except for these paths.

    Waiting here is cheap. Without it one iteration of the event loop takes as long as all requests
    together, and a health check waits behind them.
    """
    gate = asyncio.Semaphore(at_once)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in paths:
            return await handler(request)
        async with gate:
            response = await handler(request)
            # What is ready by now is done before the next one.
            await asyncio.sleep(0)
            return response

    return middleware


def watch_requests(table: Callable[[], ConnectionTable | None]) -> Middleware:
    """A middleware that lets a connection know of its requests."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        found = table()
        connection = found.of(request) if found is not None else None
        if connection is not None:
            is_run = request.path == PROBE_PATH
            seconds = connection.limits.probe if is_run else None
            connection.enter(ConnectionState.REQUEST, seconds)
        try:
            return await handler(request)
        finally:
            if connection is not None and connection.transport is not None:
                connection.enter(ConnectionState.IDLE)

    return middleware
