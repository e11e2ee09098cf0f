"""Doors that the peer check rings at: a real answering side, and whatever a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result
from probe.core.runner import run_check
from probe.ice.aioice_agent import AioiceAgent, IceServers
from probe.ice.candidate import SessionDescription, read, write
from probe.kinds.peer import KIND
from probe.kinds.peer.settings import PeerTable
from probe.peer.answerer import CallAnswerer
from probe.peer.call import RemoteCallEndpoint, identity_of
from probe.web.call_api import PeerCalls

TOKEN = "0f-b0th-pr0bes-here"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def no_servers(_: str) -> IceServers:
    return IceServers()


@asynccontextmanager
async def door(handler: Handler) -> AsyncIterator[str]:
    """A page that is called; its base URL."""
    app = web.Application()
    app.router.add_post("/peer", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/")).rstrip("/")
    finally:
        await server.close()


@asynccontextmanager
async def real_door(context: Context, *, token: str = TOKEN) -> AsyncIterator[str]:
    """The answering side of a probe whose context this is; its closings are drained."""
    engine = CallAnswerer(context, identity_of(context, "0.1.0", "fra"), no_servers)

    async def answer(body: bytes) -> tuple[int, bytes, int]:
        reply = await engine.answer(body)
        return reply.status, reply.body, reply.retry_after

    page = PeerCalls(SecretStr(token), answer, context.clock)
    try:
        async with door(page.handle) as url:
            yield url
    finally:
        await engine.close()
        assert await context.closing.drain(timeout=20) == 0


def peer_check(peer: str, **table: Any) -> Check:
    """A check of one peer, directly alone unless the table says otherwise."""
    given = {"name": "peer-a", "peer": peer, "token": TOKEN, "echoes": 3, **table}
    return Check(KIND, PeerTable.model_validate(given))


async def call(peer: str, context: Context | None = None, **table: Any) -> Result:
    """One run, whose closings come to their end before it is judged."""
    context = context or Context()
    result = await run_check(peer_check(peer, **table), context)
    assert await context.closing.drain(timeout=20) == 0
    return result


class Hanging:
    """An answering side that does what ``rest`` does once it has answered, and then hangs up."""

    def __init__(self, rest: Callable[[RemoteCallEndpoint], Awaitable[None]]) -> None:
        self._rest = rest
        self._context = Context()

    async def handle(self, request: web.Request) -> web.Response:
        offer = read(await request.read())
        ice = AioiceAgent(IceServers(), controlling=False, clock=self._context.clock)
        end = RemoteCallEndpoint(ice, offering=False)
        await ice.gather()
        await end.set_remote_parameters(offer)
        answer = self._describe(end, offer)

        async def rest() -> None:
            await self._rest(end)
            await end.close()

        await self._context.closing.close(rest(), timeout=0.0)
        return web.Response(body=write(answer))

    def _describe(self, end: RemoteCallEndpoint, offer: SessionDescription) -> SessionDescription:
        return end.describe(identity_of(self._context, "0.1.0", "fra"), offer.path, "")

    async def drain(self) -> None:
        """Everything that was begun is over."""
        assert await self._context.closing.drain(timeout=20) == 0
