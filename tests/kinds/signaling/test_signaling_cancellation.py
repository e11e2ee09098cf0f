"""A session that is cut off or closed at any step is ended, here and on the server."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Literal

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.engineio.page_requests import Site
from probe.net.http import FreshHttpClient, fresh_client
from probe.net.socketio import CONNECT, Session
from tests.cancellation import MAX_STEPS, leaves_nothing_at_any_step, pass_steps
from tests.servers.signaling import SignalingServer, signaling_server

Transport = Literal["websocket", "polling"]
WAYS: tuple[Transport, ...] = ("websocket", "polling")


@pytest.fixture
async def server(leaks: None) -> AsyncIterator[SignalingServer]:
    async with signaling_server("ok") as started:
        started.open_to_all = True
        yield started


def session(browser: FreshHttpClient) -> Session:
    return Session(
        browser, host="here", namespace="/signaling", listen=("connected",), clock=monotonic
    )


async def begin(found: Session, server: SignalingServer, way: Transport) -> None:
    await found.open(Site(server.url, "/socket.io"), token="a.b.c", transport=way)
    await found.expect(CONNECT)
    await found.expect("connected")


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_is_cancelled_is_closed(
    server: SignalingServer, way: Transport
) -> None:
    async def run() -> None:
        async with fresh_client(ca_file=None, clock=monotonic, host="here") as browser:
            found = session(browser)
            try:
                await begin(found, server, way)
            finally:
                await found.close()

    assert await leaves_nothing_at_any_step(run, lambda: server.open) > 20


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_is_closed_while_it_opens_says_so(
    server: SignalingServer, way: Transport
) -> None:
    ends: set[Cause] = set()

    for steps in range(MAX_STEPS):
        async with fresh_client(ca_file=None, clock=monotonic, host="here") as browser:
            found = session(browser)
            beginning = asyncio.create_task(begin(found, server, way))
            await pass_steps(steps)
            is_begun = beginning.done()
            await found.close()
            await asyncio.wait({beginning}, timeout=5)
            if is_begun:
                break
            failed = beginning.exception()
            if failed is not None:  # it may have been begun in the same moment
                assert isinstance(failed, CheckFailed), steps
                ends.add(failed.cause)
    assert ends == {Cause.CONNECTION_CLOSED}
    async with asyncio.timeout(30):
        while server.open:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)
