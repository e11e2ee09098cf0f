"""The verdict is what a browser's user would have got, and texts never decide it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.signaling.signaling_runs import (
    OPENING,
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
)
from tests.servers.signaling import SECRET, raw_server, serve

pytestmark = pytest.mark.usefixtures("quiet")

FRONTEND = "https://app.example.org"
READY = '42/signaling,["connected",{}]'
SAID = [
    "sorry, too many clients already",
    "connect ECONNREFUSED 10.0.0.7:5432",
    "rate limiter of the pool throttled the query: signature expired",
    "permission denied for table users (auth)",
]

Answer = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def socket_server(answer: Answer) -> AsyncIterator[str]:
    """An Engine.IO server over WebSocket that does the rest as ``answer`` says."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        await socket.send_str(OPENING)
        await socket.receive()
        await answer(socket)
        return socket

    app = web.Application()
    app.router.add_get("/socket.io/", handle)
    async with serve(app) as url:
        yield url


def packets(*texts: str, answers: bool = True) -> Answer:
    """Sends these, then ``queue-left`` for every event."""

    async def answer(socket: web.WebSocketResponse) -> None:
        for text in texts:
            await socket.send_str(text)
        async for message in socket:
            if answers and "leave-queue" in str(message.data):
                await socket.send_str('42/signaling,["queue-left",{}]')

    return answer


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize(
    "packet", ['44/signaling,{"message":%s}', '42/signaling,["error",{"message":%s}]']
)
async def test_what_a_server_says_is_shown_and_decides_nothing(packet: str, said: str) -> None:
    async with socket_server(packets('40/signaling,{"sid":"s"}', packet % json.dumps(said))) as url:
        result = await run(url, jwt_secret=SECRET, deadline=3.0)
    failure = failure_of(result)
    assert (result.status, failure.cause) == (Status.FAILED, Cause.PROTOCOL_ERROR)
    assert said[:20] in failure.message


@pytest.mark.parametrize(
    ("content", "status", "cause"),
    [
        ({"message": "later", "status": 429}, Status.UNKNOWN, Cause.RATE_LIMITED),
        ({"message": "later", "statusCode": 429}, Status.UNKNOWN, Cause.RATE_LIMITED),
        ({"message": "no", "data": {"code": 401}}, Status.FAILED, Cause.AUTH_REJECTED),
        ({"message": "no", "status": 503}, Status.FAILED, Cause.PROTOCOL_ERROR),
        ({"message": "429 too many requests"}, Status.FAILED, Cause.PROTOCOL_ERROR),
    ],
)
async def test_a_code_in_a_field_of_its_own_decides(
    content: dict[str, object], status: Status, cause: Cause
) -> None:
    async with socket_server(packets(f"44/signaling,{json.dumps(content)}")) as url:
        result = await run(url, jwt_secret=SECRET)
    assert (result.status, failure_of(result).cause) == (status, cause)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("status", [401, 403, 407, 451])
async def test_nothing_before_the_token_is_a_matter_of_credentials(
    status: int, transport: str
) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    async with raw_server(answer) as url:
        result = await run(url, jwt_secret=SECRET, transport=transport)
    assert failure_of(result).cause is Cause.HTTP_STATUS
    assert str(status) in failure_of(result).message


@pytest.mark.parametrize(
    "packet", ["40/signaling", "40/signaling,", "40/signaling,{}", '40/signaling,{"sid":""}']
)
async def test_a_connect_without_a_session_id_is_socket_io_2(packet: str) -> None:
    async with socket_server(packets("40", packet, READY)) as url:
        failure = failure_of(await run(url, jwt_secret=SECRET))
    assert (failure.phase, failure.cause) == ("handshake", Cause.PROTOCOL_ERROR)
    assert "Socket.IO 2.x" in failure.message


@pytest.mark.parametrize(
    "packet",
    [
        '42/signaling,["news",{"text":"' + "x" * 5_000_000 + '"}]',
        '42/other,["connected",{}]',
        '43/signaling,7["acknowledged"]',
        "6",
        '451-/signaling,["picture",{"_placeholder":true,"num":0}]',
    ],
)
async def test_what_a_browser_takes_in_its_stride_ends_no_session(packet: str) -> None:
    async def answer(socket: web.WebSocketResponse) -> None:
        await socket.send_str('40/signaling,{"sid":"s"}')
        await socket.send_str(packet)
        if packet.startswith("451-"):
            await socket.send_bytes(b"\x00\x01")
        await packets(READY)(socket)

    async with socket_server(answer) as url:
        result = await run(url, jwt_secret=SECRET, deadline=20.0)
    assert (result.status, result.failure) == (Status.OK, None)


@pytest.mark.parametrize("text", ["2", "6", "3", '42/signaling,["news"]', '42/other,["news"]'])
async def test_a_flood_of_small_packets_ends_by_its_budget(text: str) -> None:
    async def answer(socket: web.WebSocketResponse) -> None:
        await socket.send_str('40/signaling,{"sid":"s"}')
        while not socket.closed:
            for _ in range(50):
                await socket.send_str(text)
            await asyncio.sleep(0)  # the same loop reads it

    async with socket_server(answer) as url:
        failure = failure_of(await run(url, jwt_secret=SECRET, deadline=30.0))
    assert failure.cause is Cause.FLOODED
