"""The lab's backend stops quickly and leaves nothing behind, whatever goes on."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from probe.lab.backend import LabBackend
from tests.lab.conftest import Call, MakeCaller
from tests.lab.turn.callers import JWT_SECRET, PATIENCE, TURN_SECRET, Clock, bearer

QUICK = 1.5
"""Seconds within which a stop is over, whatever goes on."""


async def test_it_comes_back_at_the_same_address_with_a_new_uptime(
    leaks: None, backend: LabBackend, call: Call, clock: Clock
) -> None:
    client = await call("alice")
    url = backend.url
    clock.seconds += 100
    await backend.stop()
    await client.is_closed()
    assert (backend.sessions, backend.queue_length) == (0, 0)
    await backend.start()
    assert backend.url == url
    async with aiohttp.ClientSession(url) as http, http.get("/health") as response:
        assert (await response.json())["uptime"] == 0
    await call("alice")


async def stop(backend: LabBackend) -> None:
    """Stop it, which must be quick."""
    began = time.monotonic()
    await backend.stop()
    assert time.monotonic() - began < QUICK


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_stop_with_clients_connected_is_quick(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock, transport: str
) -> None:
    clients = [caller() for _ in range(3)]
    for client in clients:
        auth = {"token": bearer(backend, "alice", now())}
        await client.connect(backend, auth, transport=transport)
        await client.hears("connected")
        await client.join()
    await stop(backend)
    for client in clients:
        await client.is_closed()
    assert (backend.sessions, backend.queue_length) == (0, 0)


@pytest.mark.parametrize("signaling", ["ok", "garbage"])
async def test_a_stop_with_a_websocket_that_never_says_close_is_quick(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, signaling: Any
) -> None:
    backend.knobs.signaling = signaling
    query = "/socket.io/?EIO=4&transport=websocket"
    socket = await http.ws_connect(query, autoclose=False, autoping=False)
    assert await socket.receive_str(timeout=PATIENCE)
    await stop(backend)
    await socket.close()


HANGS: list[tuple[str, object]] = [
    ("silent", True),
    ("postgres", "hangs"),
    ("redis", "hangs"),
    ("pubsub", "hangs"),
    ("latency", 60.0),
]


@pytest.mark.parametrize(("knob", "value"), HANGS)
async def test_a_stop_with_requests_that_hang_is_quick(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, knob: str, value: object
) -> None:
    setattr(backend.knobs, knob, value)
    asking = [asyncio.create_task(http.get("/health")) for _ in range(3)]
    done, _ = await asyncio.wait(asking, timeout=0.05)
    assert not done
    await stop(backend)
    ends = await asyncio.gather(*asking, return_exceptions=True)
    for end in ends:
        if isinstance(end, aiohttp.ClientResponse):
            end.release()


async def test_a_stop_in_the_middle_of_an_endless_answer_is_quick(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.body = "endless"
    async with http.get("/health") as response:
        assert await response.content.read(100_000)
        await stop(backend)


async def test_a_client_that_gives_up_is_not_waited_for(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.silent = True
    before = len(asyncio.all_tasks())
    with pytest.raises(TimeoutError):
        await http.get("/health", timeout=aiohttp.ClientTimeout(total=0.05))
    async with asyncio.timeout(PATIENCE):
        while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_backend_that_never_started_can_be_stopped(leaks: None) -> None:
    await LabBackend(jwt_secret=JWT_SECRET, turn_secret=TURN_SECRET).stop()
