"""A Socket.IO session whose network is lost for a while, and how a browser gets it back.

As socket.io-client does it: a session that survives goes on, and one that ended is opened
anew after 1 s, then after twice as long each time, at most 5 s, each time half more or
less by chance; an attempt is given up after 20 s (its defaults ``reconnectionDelay``,
``reconnectionDelayMax``, ``randomizationFactor`` and ``timeout``). That a session ended is
noticed by engine.io: nothing came for ``pingInterval`` and ``pingTimeout`` of the server,
45 s unless it says otherwise.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct
from pydantic import SecretStr

from probe.core.causes import Cause
from probe.core.context import CleanupTasks
from probe.core.model import CheckAborted, CheckFailed
from probe.net.engineio.session import Site
from probe.net.http import fresh_client
from probe.net.impairment import Impairment, TcpForwarder
from probe.net.resolver import Address
from probe.net.socketio import CONNECT, Session
from probe.net.urls import show_host

NAMESPACE = "/signaling"
READY, REQUEST, REPLY = "connected", "leave-queue", "queue-left"
FIRST_DELAY, MAX_DELAY, SPREAD, ATTEMPT_SECONDS = 1.0, 5.0, 0.5, 20.0


def delay_before(attempt: int, rng: Callable[[], float] = random.random) -> float:
    """Seconds that socket.io-client waits before an attempt, from 0 on; ``rng`` gives 0 to 1."""
    pause = min(FIRST_DELAY * 2.0**attempt, MAX_DELAY)
    return pause * (1 + SPREAD * (2 * rng() - 1))


class Recovery(Struct, frozen=True):
    """How a session came back. All in seconds; ``recovered`` counts from the end of the loss,
    ``out`` from its start. ``attempts`` to connect: 0 where the session itself survived, and
    then ``noticed`` (from the start, when it was given up) is None."""

    recovered: float
    out: float
    attempts: int
    noticed: float | None


class SignalingServer(Struct, frozen=True):
    """The signaling server: as a page asks for it, where its name leads, a token that it takes."""

    site: Site
    address: Address
    token: SecretStr
    ca_file: Path | None


class ReconnectProbe:
    """Sessions with a server, through a forwarder that can lose everything."""

    def __init__(
        self, server: SignalingServer, closing: CleanupTasks, clock: Callable[[], float]
    ) -> None:
        self._server, self._closing, self._clock = server, closing, clock
        self._outage = Impairment(clock)

    async def simulate_loss(
        self, seconds: float, opened: Callable[[], Awaitable[None]] | None = None
    ) -> Recovery:
        """Open a session, lose the network for so long, and see it come back. What ``opened``
        does comes in between, on a network of its own.

        Raises CheckAborted where the server refuses, at the beginning or afterwards, and what
        ``opened`` raises.
        """
        async with TcpForwarder(self._server.address, self._outage) as forwarder:
            losing: asyncio.Task[None] | None = None
            try:
                async with self._session(forwarder) as session:
                    await self._check_session(session)
                    await self._answers(session)
                    if opened is not None:
                        await opened()
                    losing = asyncio.create_task(self._outage.block_for(seconds))
                    await asyncio.sleep(0)
                    if await self._survives(session):
                        return self._recovery(0, None)
                return await self._reconnect(forwarder, self._clock())
            finally:
                if losing is not None:
                    losing.cancel()
                    await asyncio.wait({losing})

    async def _survives(self, session: Session) -> bool:
        """Whether what is under way arrives after all, as a waiting user's."""
        try:
            await self._answers(session)
        except CheckAborted as aborted:
            _raise_if_refused(aborted)
            return False
        return True

    async def _reconnect(self, forwarder: TcpForwarder, noticed: float) -> Recovery:
        assert self._outage.began is not None
        attempt = 0
        while True:
            await asyncio.sleep(delay_before(attempt))
            attempt += 1
            try:
                async with self._session(forwarder) as session:
                    async with asyncio.timeout(ATTEMPT_SECONDS):
                        await self._check_session(session)
                    return self._recovery(attempt, noticed - self._outage.began)
            except TimeoutError:
                continue
            except CheckAborted as aborted:
                _raise_if_refused(aborted)

    def _recovery(self, attempts: int, noticed: float | None) -> Recovery:
        now, began, ended = self._clock(), self._outage.began, self._outage.ended
        assert began is not None
        if ended is None or not self._outage.passes:
            raise RuntimeError("something passed during the loss")
        return Recovery(now - ended, now - began, attempts, noticed)

    @asynccontextmanager
    async def _session(self, forwarder: TcpForwarder) -> AsyncIterator[Session]:
        host = show_host(self._server.site.url)
        async with fresh_client(
            ca_file=self._server.ca_file, clock=self._clock, host=host, detour=forwarder.socket
        ) as browser:
            session = Session(
                browser,
                host=host,
                namespace=NAMESPACE,
                listen=(READY, REPLY),
                clock=self._clock,
            )
            try:
                yield session
            finally:
                await self._closing.close(session.close(), timeout=1.0)

    async def _check_session(self, session: Session) -> None:
        token = self._server.token.get_secret_value()
        await session.open(self._server.site, token=token, transport="websocket")
        await session.expect(CONNECT)
        await session.expect(READY)

    async def _answers(self, session: Session) -> None:
        sent_at = self._clock()
        await session.send(REQUEST)
        await session.expect(REPLY, since=sent_at)


def _raise_if_refused(aborted: CheckAborted) -> None:
    """What a retry does not fix, unlike a connection that ended or could not be made."""
    if not isinstance(aborted, CheckFailed) or aborted.cause in (
        Cause.AUTH_REJECTED,
        Cause.PROTOCOL_ERROR,
        Cause.TLS_INVALID,
    ):
        raise aborted
