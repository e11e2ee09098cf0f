"""Server-sent events: a change is an event, readers are bounded, none outlives the server."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from probe.web.connections import ConnectionTable
from probe.web.security import WebSecurity
from probe.web.site.live import LiveUpdates
from tests.report import board_samples as boards
from tests.web.site_server import Source, served

PATIENCE = 60.0


class OnlyEvents:
    """An application of nothing but events."""

    def __init__(self, live: LiveUpdates) -> None:
        self.app = web.Application()
        self.app.router.add_get("/events", live.handle)
        self.security = WebSecurity()
        self.connections: ConnectionTable | None = None
        self.refused_logins = 0
        self.close = live.close


async def event(answer: aiohttp.ClientResponse) -> str:
    """The next event of a stream; comments are none."""
    async with asyncio.timeout(PATIENCE):
        while True:
            text = (await answer.content.readuntil(b"\n\n")).decode()
            if not text.startswith(":"):
                return text


async def test_a_change_is_one_event() -> None:
    source = Source()
    async with served(source.pages()) as (client, _), client.get("/events") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["X-Content-Type-Options"] == "nosniff"
        assert await event(stream) == "retry: 5000\nid: 1\n\n"
        source.change(boards.backend_down())
        source.change(boards.frozen())
        assert await event(stream) == "event: change\nid: 3\ndata: 3\n\n"


async def test_readers_are_no_reason_for_others_to_wait() -> None:
    source = Source()
    async with AsyncExitStack() as stack:
        client, _ = await stack.enter_async_context(served(source.pages()))
        for _ in range(20):
            stream = await stack.enter_async_context(client.get("/events"))
            await event(stream)
        async with asyncio.timeout(PATIENCE), client.get("/") as answer:
            assert answer.status == 200


async def test_too_many_readers_are_sent_away_until_one_has_gone() -> None:
    live = LiveUpdates(lambda: 1, lambda: None, poll_seconds=0.01, max_readers=2)
    async with AsyncExitStack() as stack:
        client, _ = await stack.enter_async_context(served(OnlyEvents(live)))
        streams = [await stack.enter_async_context(client.get("/events")) for _ in range(2)]
        for stream in streams:
            await event(stream)
        async with client.get("/events") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        streams[0].close()
        async with asyncio.timeout(PATIENCE):
            while live.readers == 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with client.get("/events") as answer:
            assert answer.status == 200


async def test_a_silent_stream_is_kept_alive_by_comments() -> None:
    live = LiveUpdates(lambda: 1, lambda: None, poll_seconds=0.01, comment_seconds=0.02)
    async with served(OnlyEvents(live)) as (client, _), client.get("/events") as stream:
        await event(stream)
        async with asyncio.timeout(PATIENCE):
            assert (await stream.content.readuntil(b"\n\n")) == b": still here\n\n"


async def test_a_stopped_server_leaves_no_reader_waiting(leaks: None) -> None:
    source = Source()
    async with AsyncExitStack() as stack:
        client, server = await stack.enter_async_context(served(source.pages()))
        stream = await stack.enter_async_context(client.get("/events"))
        await event(stream)
        await server.stop()
        async with asyncio.timeout(PATIENCE):
            assert await stream.content.read() == b""
