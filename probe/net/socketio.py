"""One Socket.IO session on a connection of its own; whatever ends it is a cause.

Socket.IO 5 over Engine.IO 4, as socket.io-client 3 and 4 speak it. What the server says
decides by its protocol alone (packets, event names, numeric codes): its texts are shown and
never interpreted.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.engineio.complaints import complaint, refused_namespace
from probe.net.engineio.opening import not_socketio
from probe.net.engineio.reconnection import Reconnection
from probe.net.engineio.session import UPGRADE_HINT, EngineIo, EngineMessage, Site, Transport
from probe.net.engineio.socketio_packet import (
    SocketIoPacket,
    SocketIoPacketType,
    connect_packet,
    event_packet,
    read_packet,
)
from probe.net.http import FreshHttpClient
from probe.net.protocol.errors import PeerError, ProtocolViolation, Truncated
from probe.net.tasks import gather_first_error

CONNECT = "connect"
COMPLAINTS = ("error", "exception")
CLOSE_SECONDS = 0.75
_MAX_EARLY = 100
_OLD_PROTOCOL_HINT = (
    "The server speaks Socket.IO 2.x, the application's client 3.x or 4.x: no browser connects. "
    "Deploy versions that fit each other."
)


class ReceivedEvent(Struct, frozen=True):
    """An event, when it came, and what it carries (whatever the server sends)."""

    name: str
    at: float
    content: object = None


class Session:
    """A session in one namespace. Use once: ``open``, ``send``, ``expect`` or ``receive``,
    ``close``.

    ``opened`` is when engine.io's own handshake was done, ``spent`` the seconds in each HTTP
    phase until then, and ``upgrading`` whether polling's upgrade follows. ``upgrade_refused``
    says why the session stays on polling though the server offers WebSocket. ``listen`` names
    the application's events that will be expected; others are dropped.
    """

    def __init__(
        self,
        browser: FreshHttpClient,
        *,
        host: str,
        namespace: str,
        listen: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self.opened: float | None = None
        self.spent: dict[str, float] = {}
        self.upgrading = False
        self.reconnection = Reconnection(clock)
        self._dismissed = asyncio.Event()
        self._browser, self._host, self._clock = browser, host, clock
        self._namespace, self._listen = namespace, frozenset(listen)
        self._engine: EngineIo | None = None
        self._opening: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._arrivals: asyncio.Queue[ReceivedEvent | CheckAborted] = asyncio.Queue()
        self._binary: list[SocketIoPacket] = []
        self._is_connected = False
        # What comes ahead of CONNECT's answer is delivered behind it, as by socket.io-client.
        self._early: list[SocketIoPacket] = []
        self._ended: CheckAborted | None = None

    async def open(
        self, site: Site, *, token: str | None, transport: Transport, patience: float = 0.0
    ) -> None:
        """Connect engine.io; polling includes the upgrade, if the server offers it. Where no answer
        comes yet, again for so many seconds of ``patience``, as socket.io-client does.

        Without a token the CONNECT carries none: the server should refuse it. The namespace is
        not connected before ``CONNECT`` arrives. Raises CheckAborted, also where ``close`` is
        called meanwhile.
        """
        # A task that ``close`` can end: nothing may open behind its back.
        self._opening = asyncio.create_task(self._open(site, token, transport, patience))
        try:
            await self._opening
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._ended is not None and task is not None and not task.cancelling():
                raise self._ended from None
            raise

    async def _open(
        self, site: Site, token: str | None, transport: Transport, patience: float
    ) -> None:
        auth = {"token": f"Bearer {token}"} if token is not None else {}
        try:
            engine = await self.reconnection.run(
                lambda: self._begin(site, transport), self._lost, patience
            )
            self.opened, self.spent = self._clock(), dict(self._browser.timing.phases)
            self._engine = engine
            self.upgrading = engine.offers_upgrade
            connecting = engine.send(connect_packet(self._namespace, auth))
            if self.upgrading:
                # A page does not wait for the upgrade: its CONNECT is a POST.
                await gather_first_error(connecting, engine.upgrade())
            else:
                await connecting
        except (PeerError, OSError) as error:
            raise self._lost(error) from None
        except CheckAborted as aborted:
            aborted.phase = None  # the browser's phases are not those of a session
            raise
        self._reader = asyncio.create_task(self._read(engine))

    async def _begin(self, site: Site, transport: Transport) -> EngineIo:
        engine = EngineIo(self._browser, self._host, site)
        await engine.open(transport)
        return engine

    @property
    def transport(self) -> str:
        """The transport in use: websocket or polling."""
        return "polling" if self._engine is None else self._engine.transport

    @property
    def upgrade_refused(self) -> str:
        """Why the upgrade failed, with what to try first; empty if it didn't."""
        refused = "" if self._engine is None else self._engine.upgrade_refused
        return f"{refused}. {UPGRADE_HINT}" if refused else ""

    async def expect(self, name: str, *, since: float = 0.0) -> float:
        """Wait for an event that arrives after ``since``; the moment of its arrival.

        Raises CheckFailed(connection_closed, auth_rejected, protocol_error), or
        NotMeasured(rate_limited), as soon as something else ends the session.
        """
        while True:
            arrived = await self.receive()
            if arrived.name == name and arrived.at >= since:
                return arrived.at

    async def receive(self) -> ReceivedEvent:
        """The next event, of those that are listened to; raises like ``expect``."""
        arrived = await self._arrivals.get()
        if isinstance(arrived, CheckAborted):
            raise arrived
        return arrived

    async def closed_by_server(self, timeout: float) -> bool:
        """Whether the server itself ends the session (and doesn't just lose the connection)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._dismissed.wait()
        return self._dismissed.is_set()

    async def send(self, event: str, content: Mapping[str, Any] | None = None) -> None:
        """Send an event. On a lost session only ``expect`` and ``receive`` say so."""
        if self._engine is None or self._ended is not None:
            return
        try:
            await self._engine.send(event_packet(self._namespace, event, content))
        except CheckAborted as aborted:
            self._end(aborted)
        except (PeerError, OSError) as error:
            self._end(self._lost(error))

    async def close(self) -> None:
        """Leave the namespace and close, for a moment at most. Never raises CheckAborted."""
        try:
            await self._close()
        finally:
            self._browser.close()

    async def _close(self) -> None:
        is_open = self._ended is None
        # Pending waits for an event end.
        self._end(CheckFailed(Cause.CONNECTION_CLOSED, "the session was closed"))
        tasks = {task for task in (self._opening, self._reader) if task and not task.done()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._engine is None:
            return
        with suppress(TimeoutError, CheckAborted, PeerError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                try:
                    if is_open:
                        await self._engine.send(f"1{_prefix(self._namespace)}")
                finally:
                    await self._engine.close()

    async def _read(self, engine: EngineIo) -> None:
        try:
            while True:
                self._take(await engine.receive())
        except CheckAborted as aborted:
            aborted.phase = None
            self._end(aborted)
        except (PeerError, OSError) as error:
            self._end(self._lost(error))

    def _end(self, aborted: CheckAborted) -> None:
        if self._ended is None:
            self._ended = aborted
            self._arrivals.put_nowait(aborted)

    def _lost(self, error: PeerError | OSError) -> CheckAborted:
        if self._dismissed.is_set() or isinstance(error, Truncated):
            detail = error.detail if isinstance(error, Truncated) else "closed the connection"
            return CheckFailed(Cause.CONNECTION_CLOSED, f"{self._host} {detail}")
        aborted = self._browser.translate(error, self._host) or not_socketio(self._host)
        aborted.phase = None
        return aborted

    def _take(self, message: EngineMessage) -> None:
        packet = self._assembled(message)
        if packet is None or packet.namespace != self._namespace:
            return
        if packet.kind is SocketIoPacketType.CONNECT:
            self._connected(packet.content)
        elif packet.kind is SocketIoPacketType.DISCONNECT:
            self._dismissed.set()
            self._end(CheckFailed(Cause.CONNECTION_CLOSED, f"{self._host} ended the session"))
        elif packet.kind is SocketIoPacketType.CONNECT_ERROR:
            self._end(refused_namespace(packet.content, self._host))
        elif packet.kind in (SocketIoPacketType.EVENT, SocketIoPacketType.BINARY_EVENT):
            self._on_event(packet)

    def _assembled(self, message: EngineMessage) -> SocketIoPacket | None:
        """A packet that is complete; one with attachments waits for them."""
        if isinstance(message.data, bytes):
            if not self._binary:
                raise ProtocolViolation("sends binary data that belongs to no packet")
            if self._binary[0].one_attachment_came():
                return self._binary.pop(0)
            return None
        if self._binary:
            raise ProtocolViolation("sends text where a packet's binary data should follow")
        packet = read_packet(message.data, is_whole=message.is_whole)
        if packet.attachments:
            self._binary = [packet]
            return None
        return packet

    def _connected(self, content: object) -> None:
        # To JavaScript an empty list and an empty object are true.
        if isinstance(content, dict) and content.get("sid") not in (None, False, 0, ""):
            self._is_connected = True
            self._arrivals.put_nowait(ReceivedEvent(CONNECT, self._clock()))
            early, self._early = self._early, []
            for packet in early:
                self._on_event(packet)
            return
        message = f"{self._host} speaks Socket.IO 2.x, which no 3.x or 4.x client connects to"
        self._end(CheckFailed(Cause.PROTOCOL_ERROR, message, hint=_OLD_PROTOCOL_HINT))

    def _on_event(self, packet: SocketIoPacket) -> None:
        if not self._is_connected:
            if len(self._early) < _MAX_EARLY:
                self._early.append(packet)
            return
        if packet.event in COMPLAINTS:
            self._arrivals.put_nowait(complaint(packet.event, packet.first))
        elif packet.event in self._listen:
            self._arrivals.put_nowait(ReceivedEvent(packet.event, self._clock(), packet.first))


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"
