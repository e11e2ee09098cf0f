"""Real Socket.IO clients of the lab's backend, and clocks that go when they are told to."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import aiohttp
import socketio

from probe.lab.backend import LabBackend
from probe.lab.signaling import NAMESPACE

JWT_SECRET = "the lab's secret, of thirty-two bytes and more"
TURN_SECRET = "the relay's secret"
TURN_URLS = ("turn:127.0.0.1:3478?transport=udp", "turns:127.0.0.1:5349?transport=tcp")
PATIENCE = 5.0
"""Longer than any answer takes, in seconds."""
MOMENT = 0.1
"""Longer than an answer on loopback takes, where none must come."""


@dataclass
class Clock:
    """Seconds that pass only when they are told to."""

    seconds: float

    def __call__(self) -> float:
        return self.seconds


class Caller:
    """One client of ``/signaling``; it keeps everything that it hears, by event."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.client = socketio.AsyncClient(
            http_session=http, reconnection=False, handle_sigint=False
        )
        self.device = ""
        self.closed = asyncio.Event()
        self._heard: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.client.on("*", self._hear, namespace=NAMESPACE)
        self.client.on("disconnect", self._close, namespace=NAMESPACE)

    async def connect(
        self,
        backend: LabBackend,
        auth: object = None,
        *,
        headers: dict[str, str] | None = None,
        transport: str = "websocket",
    ) -> None:
        """Returns once the library reports success."""
        await self.client.connect(
            backend.url,
            auth=auth,
            headers=headers or {},
            namespaces=[NAMESPACE],
            transports=[transport],
            wait_timeout=PATIENCE,
        )

    async def join(self, **wish: Any) -> dict[str, Any]:
        """Queue up; what `queue-joined` says."""
        await self.send("join-queue", wish)
        joined: dict[str, Any] = await self.hears("queue-joined")
        return joined

    async def send(self, event: str, data: object = None) -> None:
        """Emit one event."""
        await self.client.emit(event, data, namespace=NAMESPACE)

    async def hears(self, event: str) -> Any:
        """The content of the next such event."""
        async with asyncio.timeout(PATIENCE):
            return await self._heard[event].get()

    async def is_closed(self) -> None:
        """Returns once the server has ended the session."""
        async with asyncio.timeout(PATIENCE):
            await self.closed.wait()

    def kept(self) -> dict[str, int]:
        """How many events, by name, came and nobody has asked for yet."""
        return {event: queue.qsize() for event, queue in self._heard.items() if queue.qsize()}

    async def hang_up(self) -> None:
        """End the session from this side."""
        await self.client.disconnect()

    async def _hear(self, event: str, data: Any = None) -> None:
        self._heard[event].put_nowait(data)

    async def _close(self, _: str) -> None:
        self.closed.set()


def bearer(backend: LabBackend, device: str, now: float) -> str:
    """The value of an Authorization header."""
    return f"Bearer {backend.tokens.issue(device, now)}"
