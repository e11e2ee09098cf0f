"""One Socket.IO session on a connection of its own; whatever ends it is a cause.

python-socketio hides why a connection fails, drops what goes wrong in its background tasks
and leaves those tasks to themselves. So it gets our HTTP session, out of which errors come
as causes, and its tasks are ours: whatever one raises ends the session, and ``close()``
ends them all.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import engineio
import socketio
import socketio.exceptions

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.engineio_session import GOODBYE_SECONDS, EngineIoHttpSession, not_socketio
from probe.net.http import FreshHttpClient

CONNECT = "connect"
COMPLAINTS = ("error", "exception")

# The library logs to stderr on its own accord, with addresses and answers in it.
_silent = logging.getLogger("probe.net.socketio.library")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
_silent.setLevel(logging.CRITICAL + 1)

_REFUSED = re.compile(r"auth|token|jwt|forbidden|denied|credential|expired|signature|reject|refus")
_LIMITED = re.compile(r"rate.?limit|too many|throttl")


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, when it came, and what it carries (whatever the server sends)."""

    name: str
    at: float
    content: object = None


class ApplicationError(CheckFailed):
    """The application says that something is wrong; the session may stand all the same."""


class Session:
    """A session in one namespace. Use once: ``open``, ``send``, ``expect`` or ``receive``,
    ``close``.

    ``opened`` is when engine.io's own handshake was done, ``spent`` the seconds in each HTTP
    phase until then, and ``upgrading`` whether polling's upgrade follows. ``listen`` names
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
        self._dismissed = asyncio.Event()
        self._browser, self._host, self._clock = browser, host, clock
        self._namespace, self._listen = namespace, frozenset(listen)
        self._wire = EngineIoHttpSession(browser, host)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._arrivals: asyncio.Queue[ReceivedEvent | CheckAborted] = asyncio.Queue()
        self._client = self._make_client()

    def _make_client(self) -> Any:
        client = socketio.AsyncClient(
            http_session=self._wire,
            reconnection=False,
            handle_sigint=False,
            logger=_silent,
            engineio_logger=_silent,
        )
        client.eio.start_background_task = self._own
        client.on("connect", self._on_connect, namespace=self._namespace)
        client.on("connect_error", self._on_refused, namespace=self._namespace)
        client.on("disconnect", self._on_disconnect, namespace=self._namespace)
        client.on("*", self._on_event, namespace=self._namespace)
        return client

    async def open(
        self,
        origin: str,
        *,
        path: str,
        token: str | None,
        transport: Literal["websocket", "polling"],
    ) -> None:
        """Connect engine.io; polling includes the upgrade, if the server offers it.

        Without a token the CONNECT carries none: the server should refuse it.

        The namespace is not connected before ``CONNECT`` arrives. Raises Stop.
        """
        transports = ["websocket"] if transport == "websocket" else ["polling", "websocket"]

        def auth() -> dict[str, str]:
            # The library asks for this at the one moment when engine.io's handshake is done.
            self.opened, self.spent = self._clock(), dict(self._browser.timing.phases)
            self.upgrading = transport == "polling" and "websocket" in self._client.eio.upgrades
            return {"token": f"Bearer {token}"} if token is not None else {}

        try:
            # Not waiting for the namespace: the library loses what follows at once on it.
            await self._client.connect(
                origin,
                auth=auth,
                transports=transports,
                namespaces=[self._namespace],
                socketio_path=path,
                wait=False,
            )
        except CheckAborted:
            raise
        except Exception as error:
            # On garbage the library raises whatever its parsing stumbles over.
            raise self._lost(error) from None
        if self.upgrading and self.transport != "websocket":
            raise CheckFailed(
                Cause.PROTOCOL_ERROR,
                f"{self._host} offers the upgrade to WebSocket and does not complete it",
                hint="Does every proxy in front of the backend pass WebSocket upgrades on?",
            )

    @property
    def transport(self) -> str:
        """The transport in use: websocket or polling."""
        return str(self._client.transport())

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
        with suppress(socketio.exceptions.SocketIOError):
            await self._client.emit(event, content, namespace=self._namespace)

    async def close(self) -> None:
        """Say goodbye, for a moment at most, and end whatever is left."""
        goodbye = self._own(self._client.disconnect)
        await asyncio.wait({goodbye}, timeout=1.5 * GOODBYE_SECONDS)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._wire.socket is not None:
            await self._wire.socket.close()
        with suppress(ValueError):
            # A module-wide list, from which only an undisturbed goodbye removes a client.
            engineio.base_client.connected_clients.remove(self._client.eio)

    def _own(
        self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.create_task(target(*args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CheckAborted):
            self._arrivals.put_nowait(error)
        elif isinstance(error, Exception):
            self._arrivals.put_nowait(self._lost(error))
        elif task is self._client.eio.read_loop_task:
            self._arrivals.put_nowait(self._lost())

    def _lost(self, error: Exception | None = None) -> CheckAborted:
        """Why there is no session any more, told by who closed the connection."""
        socket = self._wire.socket
        gone = socket is not None and (socket.closed or socket.close_code is not None)
        closed = self._dismissed.is_set() or gone
        # Writing to a connection that is gone fails before reading tells that it is.
        if closed or isinstance(error, OSError | aiohttp.ClientError):
            return CheckFailed(Cause.CONNECTION_CLOSED, f"{self._host} closed the connection")
        return not_socketio(self._host)

    def _on_connect(self) -> None:
        self._arrivals.put_nowait(ReceivedEvent(CONNECT, self._clock()))

    def _on_refused(self, *data: object) -> None:
        # Also called when the connection itself fails; then open() raises and nobody reads this.
        self._arrivals.put_nowait(_refused_namespace(_readable(*data), self._host))

    def _on_disconnect(self, reason: str) -> None:
        if reason == self._client.reason.SERVER_DISCONNECT:
            self._dismissed.set()
            message = f"{self._host} ended the session"
            self._arrivals.put_nowait(CheckFailed(Cause.CONNECTION_CLOSED, message))

    def _on_event(self, name: str, *data: object) -> None:
        if name in COMPLAINTS:
            self._arrivals.put_nowait(_complaint(name, _readable(*data)))
        elif name in self._listen:
            content = data[0] if data else None
            self._arrivals.put_nowait(ReceivedEvent(name, self._clock(), content))


def _readable(*data: object) -> str:
    """What the server says, fit to be shown: one line, short, no word that may be a secret."""
    first = data[0] if data else ""
    text = str(first.get("message", "")) if isinstance(first, dict) else str(first)
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[:2000]).split())
    return re.sub(r"[\w+/=.~-]{20,}", "…", line)[:160]


def _refused_namespace(said: str, host: str) -> CheckAborted:
    message = f"{host} refuses the namespace" + (f": {said}" if said else "")
    if _LIMITED.search(said.lower()):
        return NotMeasured(Cause.RATE_LIMITED, message)
    if _REFUSED.search(said.lower()):
        return CheckFailed(Cause.AUTH_REJECTED, message)
    return CheckFailed(Cause.PROTOCOL_ERROR, message)


def _complaint(name: str, said: str) -> CheckAborted:
    message = f'the server sends "{name}"' + (f": {said}" if said else "")
    if _LIMITED.search(said.lower()):
        return NotMeasured(Cause.RATE_LIMITED, message)
    hint = "Look at the backend's log for this moment."
    return ApplicationError(Cause.PROTOCOL_ERROR, message, hint=hint)
