"""One user of the application, from a token of its own to the end of a call.

What the backend sends is written down as it comes; whoever waits says for what. Whom it is
matched with is looked at before anything else happens: a session with anybody but the
expected partner is ended in the same moment, and nothing is ever sent into it.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.engineio.complaints import ApplicationError
from probe.net.engineio.session import Site
from probe.net.http import FreshHttpClient
from probe.net.socketio import CONNECT, ReceivedEvent, Session
from probe.paircam.backend import Backend

NAMESPACE = "/signaling"
READY = "connected"
LISTEN = (
    READY,
    "queue-joined",
    "queue-left",
    "matched",
    "offer",
    "answer",
    "candidate",
    "call-ended",
    "peer-disconnected",
)
# How long leaving may take before the connection is closed all the same, which also leaves.
CLOSE_TIMEOUT_SECONDS = 1.0


class Match(Struct, frozen=True):
    """Whom the application matched us with, and in which session."""

    session: str
    peer: str


class AppUser:
    """A user with a new device id.

    ``partner`` is the device that it may be matched with. ``matches`` are the sessions with
    it, oldest first, ``matched_at`` when they came. ``strangers`` are other devices that it
    was matched with. While ``ending``, the end of the session
    is what we want.
    """

    def __init__(
        self, backend: Backend, browser: FreshHttpClient, host: str, clock: Callable[[], float]
    ) -> None:
        self.backend = backend
        self.device = backend.device_id
        self.partner = ""
        self.matches: list[Match] = []
        self.strangers: set[str] = set()
        self.matched_at: list[float] = []
        self.complaint: ApplicationError | None = None
        # While a call is signaled a session may be replaced, and the old one is complained of.
        self.tolerates_complaints = False
        self.ending = False
        self._session = Session(browser, host=host, namespace=NAMESPACE, listen=LISTEN, clock=clock)
        self._received: dict[str, list[ReceivedEvent]] = {}
        self._changed = asyncio.Event()
        self._ended: CheckAborted | None = None
        self._pump: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def connect(self, site: Site, token: SecretStr, patience: float = 0.0) -> float:
        """Open a session as a page does; the moment when the application says that it is open.
        ``patience`` as in ``Session.open``.

        Raises CheckAborted. A session that was let in and then ended is auth_rejected.
        """
        await self._session.open(
            site,
            token=token.get_secret_value(),
            transport="websocket",
            patience=patience,
        )
        await self._session.expect(CONNECT)
        try:
            ready = await self._session.expect(READY)
        except CheckFailed:
            if not await self._session.closed_by_server(0.0):
                raise
            message = f'the server ends the session instead of sending "{READY}"'
            raise CheckFailed(Cause.AUTH_REJECTED, message) from None
        self._pump = asyncio.create_task(self._listen())
        return ready

    async def send(self, event: str, **content: Any) -> None:
        """Send an event of the application."""
        await self._session.send(event, content)

    def received(self, event: str, session: str | None = None) -> ReceivedEvent | None:
        """The first event of this name, from the partner in this session if one is given."""
        for arrival in self._received.get(event, ()):
            content = arrival.content if isinstance(arrival.content, Mapping) else {}
            ours = content.get("from") in (None, self.partner)
            if session is None or (content.get("sessionId") == session and ours):
                return arrival
        return None

    async def wait_for(self, event: str, session: str | None = None) -> ReceivedEvent:
        """The first event as ``received`` finds it. Raises what ends the session or the match."""
        await self.until(lambda: self.received(event, session) is not None)
        found = self.received(event, session)
        assert found is not None
        return found

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds. Raises the CheckAborted that makes waiting vain."""
        while not holds():
            self.raise_if_ended()
            self._changed.clear()
            await self._changed.wait()

    def raise_if_ended(self) -> None:
        """Raise the CheckAborted after which there is nothing to wait for, if any."""
        if self._ended is not None:
            raise self._ended

    def stop(self, reason: CheckAborted) -> None:
        """Have whoever waits, now or later, get this reason; the first one is kept."""
        self._ended = self._ended or reason
        self._changed.set()

    async def leave(self) -> None:
        """End the call, leave the queue, close; in any state, within seconds. Never raises."""
        with suppress(TimeoutError, CheckAborted):
            if self._pump is not None and not self._pump.done():
                async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                    await self._leave_queue()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait({self._pump})
        strangers = list(self._leaving)
        for task in strangers:
            task.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)
        await self._session.close()

    async def _leave_queue(self) -> None:
        if self._leaving:
            await asyncio.wait(self._leaving)
        left = len(self._received.get("queue-left", ()))
        if self.matches and self.received("call-ended", self.matches[-1].session) is None:
            await self.send("end-call", sessionId=self.matches[-1].session)
        await self.send("leave-queue")
        while len(self._received.get("queue-left", ())) == left:
            self._changed.clear()
            await self._changed.wait()

    async def _listen(self) -> None:
        try:
            while True:
                self._take(await self._next())
                self._changed.set()
        except CheckAborted as aborted:
            self.stop(aborted)

    async def _next(self) -> ReceivedEvent:
        """The next event; a complaint is kept, and ends what is waited for."""
        while True:
            try:
                return await self._session.receive()
            except ApplicationError as complaint:
                self.complaint = complaint
                if not self.tolerates_complaints:
                    self.stop(complaint)
                self._changed.set()

    def _take(self, arrival: ReceivedEvent) -> None:
        self._received.setdefault(arrival.name, []).append(arrival)
        content = arrival.content if isinstance(arrival.content, Mapping) else {}
        if arrival.name == "matched":
            self._matched(Match(str(content.get("sessionId")), str(content.get("peerId"))), arrival)
        elif arrival.name == "peer-disconnected" and self._is_lost(content.get("sessionId")):
            message = "the backend ended the session of the call"
            self.stop(CheckFailed(Cause.SESSION_LOST, message))

    def _matched(self, met: Match, arrival: ReceivedEvent) -> None:
        if met.peer == self.partner:
            self.matches.append(met)
            self.matched_at.append(arrival.at)
            return
        self.strangers.add(met.peer)
        task = asyncio.create_task(self.send("end-call", sessionId=met.session))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        message = "the application matched the probe with another user; it hung up at once"
        self.stop(CheckFailed(Cause.STRANGER_MATCHED, message))

    def _is_lost(self, session: object) -> bool:
        is_current = bool(self.matches) and self.matches[-1].session == session
        return is_current and not self.ending
