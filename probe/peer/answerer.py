"""The answering side of calls from probes elsewhere: few at a time, short, and cleaned up.

A client with the token may have this process send ICE checks to the addresses of its offer
(``probe.ice.candidate`` says which are taken), and gets its own messages back. It gets no
say in what is sent, to which server we go, or how long.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct

from probe.call.echo import ECHO_BYTES
from probe.call.endpoint import CallEndpoint
from probe.call.setup import CLOSE_TIMEOUT, CallSetup
from probe.core.context import Context
from probe.core.model import CheckAborted
from probe.ice.aioice_agent import AioiceAgent, IceServers
from probe.ice.candidate import (
    MAX_BODY,
    InvalidOffer,
    SchemaMismatch,
    SessionDescription,
    read,
    write,
)
from probe.net.tasks import race
from probe.peer.call import ProbeInstance, RemoteCallEndpoint
from probe.stun.browser_timing import PhaseTimeouts

MAX_CALLS = 8
CALL_SECONDS = 60.0
"""The longest that a call may last, whatever the caller does."""
IDLE_SECONDS = 5.0
"""An established call over which nothing comes is over."""
GATHER_SECONDS = 6.0
"""aioice waits 5 s for a STUN server that does not answer, and reports nothing before."""
MAX_BYTES = 2 << 20
"""What one call may bring: ten times a thousand echoes. Unread, it would all be kept."""
_BOUNDS = PhaseTimeouts(gathering=GATHER_SECONDS)

ServersFor = Callable[[str], Awaitable[IceServers]]


class Reply(Struct, frozen=True):
    """An HTTP status and what goes with it; ``retry_after`` in seconds, 0 for none."""

    status: int
    body: bytes
    retry_after: int = 0


class CallAnswerer:
    """Answers offers. ``servers`` finds what to use for a relayed call of a provider, and for a
    direct one with an empty name; it may look up names."""

    def __init__(
        self,
        context: Context,
        identity: ProbeInstance,
        servers: ServersFor,
    ) -> None:
        self._context, self._identity, self._servers = context, identity, servers
        self._calls: set[asyncio.Task[None]] = set()
        self._answering = 0

    @property
    def calls(self) -> int:
        """How many calls there are now."""
        return len(self._calls) + self._answering

    async def answer(self, body: bytes) -> Reply:
        """Answer one offer; the call then continues by itself. Never raises for what is in it."""
        if len(body) > MAX_BODY:
            return _refused(413, "the offer is too long")
        try:
            offer = read(body)
        except SchemaMismatch as error:
            return _refused(409, f"{error}; here is version {self._identity.version}")
        except InvalidOffer as error:
            return _refused(400, str(error))
        if self.calls >= MAX_CALLS:
            return _refused(429, "this probe takes no more calls at once", retry_after=2)
        self._answering += 1
        try:
            return await self._take(offer)
        finally:
            self._answering -= 1

    async def close(self) -> None:
        """End all calls; what has to be closed is left to the context's closings."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _take(self, offer: SessionDescription) -> Reply:
        end: RemoteCallEndpoint | None = None
        try:
            servers = await self._servers(offer.provider if offer.path == "relayed" else "")
            ice = AioiceAgent(servers, controlling=False, clock=self._context.clock)
            end = RemoteCallEndpoint(ice, offering=False, most_bytes=MAX_BYTES)
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await ice.gather()
            await end.set_remote_parameters(offer)
            answer = write(end.describe(self._identity, offer.path, offer.provider))
        except BaseException:
            if end is not None:
                await self._context.closing.close(end.close(), timeout=0.0)
            raise
        task = asyncio.create_task(self._serve(end))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        await asyncio.sleep(0)  # cancelled before it has begun, it would close nothing
        return Reply(200, answer)

    async def _serve(self, end: RemoteCallEndpoint) -> None:
        received = asyncio.Event()

        def echo(peer: CallEndpoint, data: bytes) -> None:
            received.set()
            if len(data) <= ECHO_BYTES:
                peer.send(data)

        try:
            with suppress(TimeoutError, CheckAborted):
                async with asyncio.timeout(CALL_SECONDS):
                    await end.connect(CallSetup(_BOUNDS), echo)
                    await race(_until_idle(received), _flooded(end))
        finally:
            await self._context.closing.close(end.close(), timeout=CLOSE_TIMEOUT)


async def _flooded(end: RemoteCallEndpoint) -> None:
    await end.peer.byte_limit_exceeded.wait()


async def _until_idle(received: asyncio.Event) -> None:
    """Raises TimeoutError once nothing has come for IDLE_SECONDS."""
    while True:
        received.clear()
        async with asyncio.timeout(IDLE_SECONDS):
            await received.wait()


def _refused(status: int, why: str, *, retry_after: int = 0) -> Reply:
    return Reply(status, f"{why}\n".encode(), retry_after)
