"""Sessions that go wrong, and how each is ended."""

import asyncio

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status
from probe.core.runner import run_check
from tests.kinds.signaling.signaling_runs import (
    OPENING,
    check,
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
)
from tests.servers.signaling import (
    SECRET,
    Mode,
    serve,
    signaling_server,
)

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    ("mode", "phase", "cause"),
    [
        ("refuse", "session", Cause.AUTH_REJECTED),
        ("complain", "session", Cause.SESSION_REFUSED),
        ("silent", "session", Cause.DEADLINE),
        ("reject", "handshake", Cause.PROTOCOL_ERROR),
        ("mute", "rtt", Cause.DEADLINE),
        ("vanish", "rtt", Cause.CONNECTION_CLOSED),
        ("drop", "rtt", Cause.CONNECTION_CLOSED),
        ("error", "rtt", Cause.PROTOCOL_ERROR),
        ("garble", "rtt", Cause.PROTOCOL_ERROR),
    ],
)
async def test_a_session_that_goes_wrong(
    mode: Mode, phase: str, cause: Cause, transport: str
) -> None:
    async with signaling_server(mode) as server:
        result = await run(server.url, transport=transport, deadline=1.5)
    failure = failure_of(result)
    assert result.status is Status.FAILED
    assert (failure.phase, failure.cause) == (phase, cause)
    # A token is three long words of base64; nothing of one is shown.
    assert "ey" not in failure.message


async def test_a_refused_session_is_reported_at_once_and_the_token_forgotten() -> None:
    context = Context()
    async with signaling_server("refuse") as server:
        first = await run(server.url, context)
        server.mode = "ok"
        second = await run(server.url, context)
        assert server.tokens == 2
    assert first.duration < 4
    assert second.status is Status.OK


async def test_silence_after_connecting_points_to_redis() -> None:
    async with signaling_server("silent") as server:
        result = await run(server.url, deadline=1.0)
    assert "Redis" in failure_of(result).hint


async def test_what_the_server_says_is_shown_on_one_line_without_long_words() -> None:
    async with signaling_server("error") as server:
        result = await run(server.url)
    assert failure_of(result).message == 'the server sends "error": Redis is [31mgone …'


async def test_an_unknown_namespace_is_no_matter_of_credentials() -> None:
    async with signaling_server() as server:
        result = await run(server.url, namespace="/elsewhere")
    failure = failure_of(result)
    assert (failure.phase, failure.cause) == ("handshake", Cause.PROTOCOL_ERROR)


async def test_a_server_that_freezes_does_not_hold_up_the_close() -> None:
    done = asyncio.Event()

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        for packet in (OPENING, '40/signaling,{"sid":"y"}', '42/signaling,["connected",{}]'):
            await socket.send_str(packet)
        await socket.receive()  # the namespace
        await socket.receive()  # leave-queue
        await socket.send_str('42/signaling,["queue-left",{}]')
        await done.wait()
        return socket

    app = web.Application()
    app.router.add_get("/socket.io/", answer)
    async with serve(app) as url:
        result = await run(url, jwt_secret=SECRET, round_trips=1)
        done.set()
    assert result.status is Status.OK, result.failure
    assert result.phases["close"] < 1.0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_it_can_be_cut_off_at_any_moment(transport: str) -> None:
    context = Context()
    async with signaling_server("mute") as server:
        for step in range(40):
            seconds = 0.001 * (step + 1)
            result = await run(server.url, context, transport=transport, deadline=seconds)
            assert failure_of(result).cause is Cause.DEADLINE
        assert await context.closing.drain(timeout=20) == 0


async def test_it_can_be_cancelled_from_outside() -> None:
    context = Context()
    async with signaling_server("mute") as server:
        running = asyncio.create_task(run_check(check(server.url), context))
        async with asyncio.timeout(30):
            await server.asked.wait()
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
        assert await context.closing.drain(timeout=20) == 0


async def test_thirty_runs_leave_nothing_behind() -> None:
    context = Context()
    modes: list[Mode] = ["ok", "refuse", "silent", "mute", "vanish"]
    for number in range(30):
        async with signaling_server(modes[number % 5]) as server:
            transport = "polling" if number % 2 else "websocket"
            await run(server.url, context, transport=transport, deadline=0.2, jwt_secret=SECRET)
    assert await context.closing.drain(timeout=20) == 0
    assert context.closing.pending == 0
