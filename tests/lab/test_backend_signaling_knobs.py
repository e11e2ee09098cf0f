"""Every way in which the lab's Socket.IO can be told to fail."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
import socketio

from probe.lab.backend import LabBackend
from tests.lab.conftest import Call, MakeCaller
from tests.lab.turn.callers import MOMENT, Caller, Clock, bearer


async def connected(backend: LabBackend, client: Caller, now: Clock) -> None:
    """The library reports success; what follows is open."""
    await client.connect(backend, {"token": bearer(backend, "alice", now())})


async def hears_nothing(client: Caller) -> None:
    """For a moment there is no event and no disconnect."""
    await asyncio.sleep(MOMENT)
    assert client.kept() == {}
    assert not client.closed.is_set()


async def test_refuses_disconnects_after_connecting(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    backend.knobs.signaling = "refuses"
    client = caller()
    await connected(backend, client, now)
    await client.is_closed()
    assert client.kept() == {}


async def test_silent_never_says_connected(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    backend.knobs.signaling = "silent"
    client = caller()
    await connected(backend, client, now)
    await hears_nothing(client)


@pytest.mark.parametrize("redis", ["down", "hangs"])
async def test_without_redis_a_session_connects_and_nothing_follows(
    leaks: None,
    backend: LabBackend,
    caller: MakeCaller,
    http: aiohttp.ClientSession,
    now: Clock,
    redis: Any,
) -> None:
    backend.knobs.redis = redis
    client = caller()
    await connected(backend, client, now)
    for event in ("leave-queue", "join-queue", "send-offer"):
        await client.send(event, {})
    await hears_nothing(client)
    async with http.post("/auth/token", json={"deviceId": "alice"}) as response:
        assert response.status == 201


async def test_a_session_that_stands_falls_silent_when_redis_goes(
    backend: LabBackend, call: Call
) -> None:
    client = await call("alice")
    backend.knobs.redis = "down"
    await client.send("leave-queue")
    await hears_nothing(client)
    backend.knobs.redis = "up"
    await client.send("leave-queue")
    await client.hears("queue-left")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("signaling", ["garbage", "off"])
async def test_what_is_no_socket_io_is_no_connection(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock, transport: str, signaling: Any
) -> None:
    backend.knobs.signaling = signaling
    auth = {"token": bearer(backend, "alice", now())}
    # What the library makes of garbage is its own affair: any of these is no session.
    with pytest.raises((socketio.exceptions.ConnectionError, ValueError)):
        await caller().connect(backend, auth, transport=transport)
    assert backend.sessions == 0


async def test_garbage_and_off_are_what_they_say(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    path = "/socket.io/?EIO=4&transport=polling"
    answers: list[tuple[Any, int, str]] = [
        ("garbage", 200, "\x00\x01garbage"),
        ("off", 404, "404"),
    ]
    for signaling, status, text in answers:
        backend.knobs.signaling = signaling
        async with http.get(path) as response:
            assert response.status == status
            assert text in await response.text()


async def test_drops_disconnects_at_leave_queue(
    leaks: None, backend: LabBackend, call: Call
) -> None:
    client = await call("alice")
    backend.knobs.signaling = "drops"
    await client.send("leave-queue")
    await client.is_closed()
    assert client.kept() == {}
    assert backend.sessions == 0


async def test_no_reply_never_answers_leave_queue(
    leaks: None, backend: LabBackend, call: Call
) -> None:
    client = await call("alice")
    backend.knobs.signaling = "no_reply"
    await client.send("leave-queue")
    await hears_nothing(client)


async def test_latency_comes_before_every_event(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    backend.knobs.signaling_latency = 0.05
    client = caller()
    await connected(backend, client, now)
    for answer in ("connected", "queue-left"):
        began = time.monotonic()
        if answer == "queue-left":
            await client.send("leave-queue")
        await client.hears(answer)
        # The library reports success a little after the server has begun to wait.
        assert time.monotonic() - began >= 0.03


async def test_who_goes_away_before_the_welcome_has_no_session(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    backend.knobs.signaling_latency = MOMENT / 2
    client = caller()
    await connected(backend, client, now)
    await client.hang_up()
    await asyncio.sleep(MOMENT)
    assert backend.sessions == 0
