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
from collections.abc import Callable, Iterable
from typing import cast

from aiohttp import web

from probe.web.connections.limits import GRACE_SECONDS, ConnectionLimits, ConnectionState
from probe.web.connections.reads import SlicedReads, TlsReads


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
        # By state, each one's in the order in which they entered it.
        self._in = {state: dict[BoundedConnection, None]() for state in ConnectionState}
        self._timer: asyncio.TimerHandle | None = None
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
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.limits.sweep, self._sweep)
        return True

    def entered(self, connection: "BoundedConnection", before: ConnectionState) -> None:
        """It has another state now, or has the same one anew."""
        self._in[before].pop(connection, None)
        if connection in self._open:
            self._in[connection.state][connection] = None

    def _sweep(self) -> None:
        """Close what takes too long. One timer for all: a timer of each connection would be set
        three times for each request."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for each in [each for each in self._open if each.deadline <= now]:
            each.abort()
        self._timer = loop.call_later(self.limits.sweep, self._sweep) if self._open else None

    def _first_to_close(self) -> "BoundedConnection":
        """The oldest of those that wait for nothing, then of the slow ones, then of the new ones.

        Whose request has arrived, but was not read yet, is not taken for silent: in a storm of
        connections no client would be answered otherwise.
        """
        slow = asyncio.get_running_loop().time() - GRACE_SECONDS
        silent, header = self._in[ConnectionState.SILENT], self._in[ConnectionState.HEADER]
        first = _first_silent(silent)
        if first is not None and first.since <= slow:
            return first
        for state in (ConnectionState.IDLE, ConnectionState.STREAM):
            if self._in[state]:
                return next(iter(self._in[state]))
        if header and (oldest := next(iter(header))).since <= slow:
            return oldest
        if first is not None:
            return first
        new = [next(iter(each)) for each in (silent, header) if each]
        return min(new or self._in[ConnectionState.REQUEST], key=lambda each: each.since)

    def serves(self, connection: "BoundedConnection", transport: asyncio.BaseTransport) -> None:
        """Requests of this transport are the connection's."""
        self._by_transport[transport] = connection

    def remove(self, connection: "BoundedConnection") -> None:
        """Remove it."""
        self._open.pop(connection, None)
        self._in[connection.state].pop(connection, None)
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None
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
        self.deadline = 0.0
        self._handshake: asyncio.Task[None] | None = None
        self._early = bytearray()
        self._tls: TlsReads | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start at once, or with a TLS handshake."""
        self._raw = cast(asyncio.Transport, transport)
        if not self._table.add(self):
            self._raw.abort()
            return
        self.enter(ConnectionState.SILENT)
        context = self._table.tls()
        if context is None:
            self._raw.set_protocol(SlicedReads(self))
            self._begin(self._raw)
            return
        self._raw.pause_reading()
        self._handshake = asyncio.get_running_loop().create_task(self._start_tls(context))

    def data_received(self, data: bytes) -> None:
        """The first bytes after a pause have to become a header soon."""
        if self._tls is not None:
            self._tls.credit(len(data))
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
        if self._handshake is not None:
            self._handshake.cancel()
        self._table.remove(self)
        if self.transport is not None:
            self._inner.connection_lost(error)
            self.transport = None

    def enter(self, state: ConnectionState, seconds: float | None = None) -> None:
        """Enter this state, with its timeout, or another one."""
        limits, before = self._table.limits, self.state
        self.state, self.since = state, asyncio.get_running_loop().time()
        usual = (limits.header, limits.idle, limits.stream, limits.header, limits.request)[state]
        self.deadline = self.since + (usual if seconds is None else seconds)
        self._table.entered(self, before)

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
        loop = asyncio.get_running_loop()
        # Once asyncio's TLS has been set in the place of this one, and before it reads.
        loop.call_soon(self._guard_tls)
        try:
            transport = await loop.start_tls(
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
        if transport is None:  # closed by its deadline: asyncio's TLS informs no protocol of it
            self._table.remove(self)
            return
        if not self._table.accepts(transport):
            self.abort()
            return
        if self._tls is not None:
            self._tls.begin()
        self._begin(transport)
        if self._early:
            self._inner.data_received(bytes(self._early))
            self._early.clear()

    def _guard_tls(self) -> None:
        """Read slices for the TLS, and count its records."""
        assert self._raw is not None
        inner = self._raw.get_protocol()
        if isinstance(inner, asyncio.BufferedProtocol) and not self._raw.is_closing():
            self._tls = TlsReads(inner, self.abort)
            self._raw.set_protocol(self._tls)

    def _begin(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._table.serves(self, transport)
        self._inner.connection_made(transport)


def _first_silent(silent: Iterable[BoundedConnection]) -> BoundedConnection | None:
    """The oldest one whose socket holds nothing that was not read yet."""
    waiting = select.poll()
    for oldest in silent:
        if not _readable(waiting, [oldest]):
            return oldest
        break
    readable = _readable(waiting, silent)
    return next((each for each in silent if each.descriptor not in readable), None)


def _readable(waiting: select.poll, connections: Iterable[BoundedConnection]) -> set[int]:
    for each in connections:
        if each.descriptor >= 0:
            waiting.register(each.descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in waiting.poll(0)}
