"""Engine.IO 4 as a browser speaks it: long polling, WebSocket, and the upgrade between them.

The protocol: https://github.com/socketio/engine.io-protocol. Its packets are a digit and
what it carries: 0 open, 1 close, 2 ping, 3 pong, 4 message, 5 upgrade, 6 noop.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.net.engineio.opening import (
    Opening,
    not_socketio,
    read_opening,
    refused_request,
    words_of,
)
from probe.net.fetch.cors import check_allowed, is_cross_origin, origin_header, origin_of
from probe.net.http import FreshHttpClient, read_bounded
from probe.net.protocol.errors import Flood, PeerError, ProtocolViolation, Truncated
from probe.net.protocol.exchange import HttpResponse
from probe.net.protocol.websocket import (
    WebSocket,
    handshake_headers,
    is_accepted,
    new_key,
)

Transport = Literal["websocket", "polling"]

LONGEST_PAYLOAD = 4 << 20
MOST_POLLS = 2000
_LONGEST_REFUSAL = 4096
# A browser stays on polling for as long; a check has to go on.
UPGRADE_TIMEOUT = 3.0
_SEPARATOR = "\x1e"
_PROTOCOL = {"EIO": "4"}
# 400 and 403.
_MAY_WANT_ORIGIN = (Cause.PROTOCOL_ERROR, Cause.HTTP_STATUS)
STICKY_HINT = (
    "Sticky sessions are missing: several backends are behind one address, and the one that "
    "answered doesn't know the session of another. Have the balancer keep each client with one "
    "backend (by cookie or address)."
)
UPGRADE_HINT = "Does every proxy in front of the backend pass WebSocket upgrades on?"


@dataclass(frozen=True, slots=True)
class Site:
    """Where Engine.IO listens, and what a browser's page adds to each request.

    ``origin`` is the page's; None is not known.
    """

    url: str
    path: str
    origin: str | None = None
    credentials: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EngineMessage:
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
        self._browser, self._host, self._site = browser, host, site
        self._origin = site.origin
        self._socket: WebSocket | None = None
        self._pending: deque[EngineMessage | str] = deque()
        self._polls = 0
        self._posting = asyncio.Lock()

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
            if self._origin is not None or aborted.cause not in _MAY_WANT_ORIGIN:
                raise
            self._origin = origin_of(self._site.url)
            try:
                await self._begin(transport)
            except CheckAborted:
                raise aborted from None

    async def _begin(self, transport: Transport) -> None:
        if transport == "websocket":
            self._socket = await self._web_socket({})
            self._take_opening(await self._next_text(self._socket))
            return
        first, *others = await self._poll()
        self._take_opening(first)
        self._pending.extend(self._unpacked(others))

    async def upgrade(self) -> None:
        """Go over to WebSocket; where that is refused, stay on polling as a browser does."""
        assert self.opening is not None
        socket: WebSocket | None = None
        try:
            async with asyncio.timeout(UPGRADE_TIMEOUT):
                socket = await self._web_socket({"sid": self.opening.sid})
                await socket.send("2probe")
                answer = await self._next_text(socket)
                if answer != "3probe":
                    raise ProtocolViolation("does not answer the upgrade's probe")
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
            if socket is not None and self._socket is None:
                socket.abort()

    async def receive(self) -> EngineMessage:
        """The next message; pings are answered. Raises CheckAborted, PeerError, OSError.

        Truncated: the session has ended, or no ping came in time.
        """
        opening = self.opening
        assert opening is not None
        while True:
            try:
                async with asyncio.timeout(opening.ping_interval + opening.ping_timeout):
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
        if self._socket is not None:
            await self._socket.close()
        elif self.opening is not None:
            await self._send_packet("1")

    async def _next_packet(self) -> EngineMessage | str:
        """A message, or another packet as it came."""
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
        elif packet.startswith("1"):
            raise Truncated("closed the Engine.IO session")
        elif packet[:1] not in ("3", "6"):
            raise ProtocolViolation("does not speak Engine.IO as it should")

    async def _send_packet(self, packet: str) -> None:
        if self._socket is not None:
            await self._socket.send(packet)
            return
        assert self.opening is not None
        address = self._address("polling", {"sid": self.opening.sid})
        headers = {"Content-Type": "text/plain;charset=UTF-8", **self._headers(is_post=True)}
        async with (
            self._posting,
            self._browser.request("POST", address, headers=headers, body=packet.encode()) as answer,
        ):
            await self._check(answer)

    async def _poll(self) -> list[str]:
        """The packets of one GET."""
        self._polls += 1
        if self._polls > MOST_POLLS:
            raise Flood(f"answers more than {MOST_POLLS} polls")
        extra = {"sid": self.opening.sid} if self.opening is not None else {}
        address = self._address("polling", extra)
        headers = self._headers(is_post=False)
        async with self._browser.request("GET", address, headers=headers) as answer:
            await self._check(answer)
            body = await read_bounded(answer, LONGEST_PAYLOAD)
        try:
            return body.decode().split(_SEPARATOR)
        except UnicodeDecodeError:
            raise ProtocolViolation("does not speak Engine.IO as it should") from None

    async def _check(self, answer: HttpResponse) -> None:
        """Raise CheckAborted for what a browser's page would not get."""
        if answer.status != 200:
            raise await self._refused(answer)
        origin = self._origin
        if origin is not None and is_cross_origin(self._site.url, origin):
            check_allowed(answer.headers, origin, self._host, credentials=self._site.credentials)

    async def _web_socket(self, extra: Mapping[str, str]) -> WebSocket:
        key = new_key()
        headers = {**origin_header(self._origin), **self._site.headers, **handshake_headers(key)}
        answer = await self._browser.upgrade(self._address("websocket", extra), headers)
        if is_accepted(answer, key):
            return WebSocket(answer)
        try:
            if answer.status in (101, 200):
                raise not_socketio(self._host)
            raise await self._refused(answer)
        finally:
            answer.stream.close()

    async def _refused(self, answer: HttpResponse) -> CheckAborted:
        try:
            async with asyncio.timeout(0.5):
                body = await read_bounded(answer, _LONGEST_REFUSAL)
        except (TimeoutError, PeerError, OSError, CheckAborted):
            body = b""
        aborted = refused_request(answer.status, self._host, words_of(body))
        if self.opening is not None and answer.status == 400:
            aborted.hint = STICKY_HINT
        return aborted

    async def _next_text(self, socket: WebSocket) -> str:
        message = await socket.receive()
        if message is None:
            raise Truncated("closed the connection")
        if not isinstance(message.data, str):
            raise ProtocolViolation("does not speak Engine.IO as it should")
        return message.data

    def _address(self, transport: Transport, extra: Mapping[str, str]) -> URL:
        base = URL(self._site.url)
        path = base.path.rstrip("/") + self._site.path.rstrip("/") + "/"
        return base.with_path(path).with_query({**_PROTOCOL, "transport": transport, **extra})

    def _headers(self, *, is_post: bool) -> dict[str, str]:
        """A page of the server itself sends its Origin with a POST alone (Fetch standard)."""
        known = self._site.origin
        if known is not None and not is_post and not is_cross_origin(self._site.url, known):
            return dict(self._site.headers)
        return {**origin_header(self._origin), **self._site.headers}

    def _take_opening(self, packet: str) -> None:
        if not packet.startswith("0"):
            raise ProtocolViolation("does not speak Engine.IO as it should")
        self.opening = read_opening(packet[1:])

    def _unpacked(self, packets: list[str]) -> list[EngineMessage | str]:
        return [self._unpack(packet, is_whole=True) for packet in packets]

    def _unpack(self, packet: str, is_whole: bool) -> EngineMessage | str:
        if packet.startswith("4"):
            return EngineMessage(packet[1:], is_whole)
        if packet.startswith("b"):  # binary in polling, as base64: its content is not judged
            return EngineMessage(b"", is_whole)
        return packet
