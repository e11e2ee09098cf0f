"""Engine.IO 4 as a browser speaks it: long polling, WebSocket, and the upgrade between them.

The protocol: https://github.com/socketio/engine.io-protocol. Its packets are a digit and
what it carries: 0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop.
"""

import asyncio
from collections import deque
from contextlib import suppress

from msgspec import Struct

from probe.core.model import CheckAborted
from probe.net.engineio.opening import Opening, read_opening
from probe.net.engineio.page_requests import STICKY_HINT, PageRequests, Site, Transport
from probe.net.http import FreshHttpClient
from probe.net.protocol.errors import Flood, PeerError, ProtocolViolation, Truncated
from probe.net.websocket.connection import WebSocket

__all__ = ["STICKY_HINT", "UPGRADE_HINT", "EngineIo", "EngineMessage", "Site", "Transport"]

MAX_POLLS = 2000
# A browser stays on polling for as long; a check has to go on.
UPGRADE_TIMEOUT = 3.0
_SEPARATOR = "\x1e"
# What engine.io-client takes no notice of; over a WebSocket the close packet as well.
_IGNORED = ("1", "3", "5", "6")
# What may come ahead of the open packet, by polling.
_PASSED = ("2", "3", "4", "5", "6", "b")
# A close and another open packet that were polled, which over a WebSocket mean nothing.
_CLOSED, _POLLED_OPENING = "closed by polling", "opened by polling"
UPGRADE_HINT = "Does every proxy in front of the backend pass WebSocket upgrades on?"


class EngineMessage(Struct, frozen=True):
    """What a message packet carries."""

    data: str | bytes
    is_whole: bool = True


class EngineIo:
    """One session. ``open`` first, then ``upgrade``; one task at a time may ``receive``.

    ``opening`` is None before the session is open. ``upgrade_refused`` says why it stays
    on polling.
    """

    def __init__(self, browser: FreshHttpClient, host: str, site: Site) -> None:
        self.opening: Opening | None = None
        self.upgrade_refused = ""
        self._browser, self._host = browser, host
        self._page = PageRequests(browser, host, site)
        self._socket: WebSocket | None = None
        self._pending: deque[EngineMessage | str] = deque()
        self._polls = 0
        self._posting = asyncio.Lock()
        self._polling: asyncio.Task[None] | None = None
        self._pausing = False

    @property
    def transport(self) -> Transport:
        """The transport in use."""
        return "polling" if self._socket is None else "websocket"

    @property
    def offers_upgrade(self) -> bool:
        """Whether it polls, and the server offers WebSocket."""
        opening = self.opening
        return opening is not None and self._socket is None and "websocket" in opening.upgrades

    async def open(self, transport: Transport) -> None:
        """Begin a session over this transport. Raises CheckAborted, PeerError, OSError.

        Where the page's origin is not known, none is sent; a server that wants one is asked
        again as a page of its own would.
        """
        try:
            await self._begin(transport)
        except CheckAborted as aborted:
            if not self._page.adopts_own_origin(aborted):
                raise
            try:
                await self._begin(transport)
            except CheckAborted:
                raise aborted from None

    async def _begin(self, transport: Transport) -> None:
        if transport == "websocket":
            self._socket = await self._page.web_socket("")
            self._take_opening(await self._next_text(self._socket))
            return
        packets = await self._poll()
        # Of what comes ahead of the open packet nothing but a message is kept.
        first = next((at for at, each in enumerate(packets) if each[:1] not in _PASSED), 0)
        self._pending.extend(self._unpacked(packets[:first]))
        self._take_opening(packets[first])
        self._pending.extend(self._unpacked(packets[first + 1 :]))

    async def upgrade(self) -> None:
        """Go over to WebSocket; where that is refused, stay on polling as a browser does. A poll
        that fails meanwhile ends the session: what it raises is raised."""
        assert self.opening is not None
        socket: WebSocket | None = None
        polling = self._polling = asyncio.create_task(self._poll_until_paused())
        try:
            async with asyncio.timeout(UPGRADE_TIMEOUT):
                socket = await self._page.web_socket(self.opening.sid)
                await socket.send("2probe")
                answer = await self._next_text(socket)
                if answer != "3probe":
                    raise ProtocolViolation("does not answer the upgrade's probe")
                await self._pause()
                await socket.send("5")
        except TimeoutError:
            self.upgrade_refused = f"no answer within {UPGRADE_TIMEOUT:g} s"
        except CheckAborted as aborted:
            self.upgrade_refused = aborted.message
        except (PeerError, OSError) as error:
            cause = self._browser.translate(error, self._host)
            self.upgrade_refused = cause.message if cause else "it failed"
        else:
            self._socket = socket
        finally:
            self._pausing = True
            if socket is not None and self._socket is None:
                socket.abort()
        if polling.done() and not polling.cancelled():
            polling.result()

    async def _poll_until_paused(self) -> None:
        while not self._pausing:
            self._pending.extend(self._unpacked(await self._poll()))

    async def _pause(self) -> None:
        """What is under way by polling ends first: the server ends the poll, and it refuses a
        POST after the upgrade. Raises what polling raises."""
        self._pausing = True
        async with self._posting:
            await self._polled()

    async def _polled(self) -> None:
        """Wait for the poll that began before; being cancelled leaves it."""
        if self._polling is not None:
            await asyncio.wait({self._polling})
            polling, self._polling = self._polling, None
            polling.result()

    async def receive(self) -> EngineMessage:
        """The next message; pings are answered. Raises CheckAborted, PeerError, OSError.

        Truncated: the session has ended, or no ping came in time.
        """
        opening = self.opening
        assert opening is not None
        while True:
            try:
                async with asyncio.timeout(opening.silence):
                    packet = await self._next_packet()
            except TimeoutError:
                raise Truncated("sends no ping in time") from None
            if isinstance(packet, EngineMessage):
                return packet
            await self._handle(packet)

    async def send(self, message: str) -> None:
        """Send a message packet. Raises CheckAborted, PeerError, OSError."""
        await self._send_packet("4" + message)

    async def close(self) -> None:
        """End the session as ``socket.close()`` does in a browser. Raises like send."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        elif self.opening is not None:
            await self._send_packet("1")

    async def _next_packet(self) -> EngineMessage | str:
        """A message, or another packet as it came."""
        if not self._pending:
            await self._polled()
        if self._pending:
            return self._pending.popleft()
        if self._socket is None:
            self._pending.extend(self._unpacked(await self._poll()))
            return self._pending.popleft() if self._pending else "6"
        message = await self._socket.receive()
        if message is None:
            raise Truncated("closed the connection")
        if isinstance(message.data, bytes):
            return EngineMessage(message.data, message.is_whole)
        return self._unpack(message.data, message.is_whole)

    async def _handle(self, packet: str) -> None:
        if packet.startswith("2"):
            await self._send_packet("3" + packet[1:])
        elif packet.startswith("0"):
            self._take_another_opening(packet)
        elif packet == _CLOSED:
            raise Truncated("closed the Engine.IO session")
        elif packet.startswith(_POLLED_OPENING):
            read_opening(packet.removeprefix(_POLLED_OPENING))
        elif packet[:1] not in _IGNORED:
            raise ProtocolViolation("does not speak Engine.IO as it should")

    async def _send_packet(self, packet: str) -> None:
        if self._socket is not None:
            await self._socket.send(packet)
            return
        assert self.opening is not None
        async with self._posting:
            await self._page.post(self.opening.sid, packet)

    async def _poll(self) -> list[str]:
        """The packets of one GET."""
        self._polls += 1
        if self._polls > MAX_POLLS:
            raise Flood(f"answers more than {MAX_POLLS} polls")
        text = await self._page.get(self.opening.sid if self.opening is not None else "")
        return text.split(_SEPARATOR)

    async def _next_text(self, socket: WebSocket) -> str:
        message = await socket.receive()
        if message is None:
            raise Truncated("closed the connection")
        if not isinstance(message.data, str):
            raise ProtocolViolation("does not speak Engine.IO as it should")
        return message.data

    def _take_opening(self, packet: str) -> None:
        if not packet.startswith("0"):
            raise ProtocolViolation("does not speak Engine.IO as it should")
        self.opening = read_opening(packet[1:], by_polling=self._socket is None)

    def _take_another_opening(self, packet: str) -> None:
        """A second open packet: over a WebSocket an unreadable one is an error in the page's
        console, and nothing more."""
        with suppress(ProtocolViolation):
            self._take_opening(packet)

    def _unpacked(self, packets: list[str]) -> list[EngineMessage | str]:
        """What was polled; a close packet ends a session there, and so does an unreadable open
        packet."""
        return [self._polled_packet(packet) for packet in packets]

    def _polled_packet(self, packet: str) -> EngineMessage | str:
        if packet.startswith("1"):
            return _CLOSED
        if packet.startswith("0"):
            return _POLLED_OPENING + packet[1:]
        return self._unpack(packet, is_whole=True)

    def _unpack(self, packet: str, is_whole: bool) -> EngineMessage | str:
        if packet.startswith("4"):
            return EngineMessage(packet[1:], is_whole)
        if packet.startswith("b"):  # binary in polling, as base64: its content is not judged
            return EngineMessage(b"", is_whole)
        return packet
