"""Whatever else listens there, or doesn't, has a phase and a cause."""

import pytest
from aiohttp import web

from probe.core.causes import Cause
from tests.kinds.signaling.signaling_runs import (
    OPENING,
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
)
from tests.servers.signaling import SECRET, raw_server, refusing_server, serve, signaling_server

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    ("answer", "phase", "cause"),
    [
        (None, "handshake", Cause.DEADLINE),
        (b"\x00\x01\x02 garbage\r\n\r\n", "handshake", Cause.PROTOCOL_ERROR),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "handshake", Cause.PROTOCOL_ERROR),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "handshake", Cause.HTTP_STATUS),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "handshake", Cause.HTTP_STATUS),
        (b"HTTP/1.1 429 Slowly\r\nContent-Length: 0\r\n\r\n", "handshake", Cause.RATE_LIMITED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", "handshake", Cause.PROTOCOL_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "handshake", Cause.PROTOCOL_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n0[]", "handshake", Cause.PROTOCOL_ERROR),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\xff\xfe", "handshake", Cause.DEADLINE),
    ],
)
async def test_something_else_listens_there(
    answer: bytes | None, phase: str, cause: Cause, transport: str
) -> None:
    async with raw_server(answer) as url:
        result = await run(url, jwt_secret=SECRET, transport=transport, deadline=1.0)
    failure = failure_of(result)
    if transport == "websocket" and cause is Cause.DEADLINE and answer is not None:
        cause = Cause.PROTOCOL_ERROR  # the headers say already that it is no WebSocket
    assert (failure.phase, failure.cause) == (phase, cause)


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        ("text", Cause.PROTOCOL_ERROR),
        ("binary", Cause.PROTOCOL_ERROR),
        ("close", Cause.CONNECTION_CLOSED),
        ("vanish", Cause.CONNECTION_CLOSED),
        ("open then text", Cause.PROTOCOL_ERROR),
        ("open then close", Cause.CONNECTION_CLOSED),
        ("open then vanish", Cause.CONNECTION_CLOSED),
        ("open then nonsense", Cause.PROTOCOL_ERROR),
        ("silence", Cause.DEADLINE),
        ("open then silence", Cause.DEADLINE),
    ],
)
async def test_a_websocket_that_is_no_socketio(after: str, cause: Cause) -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        if after.startswith("open"):
            await socket.send_str(OPENING)
        what = after.removeprefix("open then ")
        if what == "text":
            await socket.send_str("\x07 not engine.io")
        elif what == "binary":
            await socket.send_bytes(b"\x07\x08")
        elif what == "nonsense":
            await socket.send_str("4[[]]")
        elif what == "vanish":
            assert request.transport is not None
            request.transport.close()
        if what != "close":
            async for _ in socket:
                pass
        return socket

    app = web.Application()
    app.router.add_get("/socket.io/", answer)
    async with serve(app) as url:
        result = await run(url, jwt_secret=SECRET, deadline=1.0)
    failure = failure_of(result)
    causes = {cause}
    if after == "open then vanish":
        # Python 3.13 notices while writing, and the library then stops reading: that the
        # connection is gone never shows, only that nothing sensible came.
        causes.add(Cause.PROTOCOL_ERROR)
    assert failure.phase == "handshake"
    assert failure.cause in causes


async def test_an_upgrade_that_is_refused_is_a_failure() -> None:
    opening = OPENING.replace("[]", '["websocket"]')

    async def answer(request: web.Request) -> web.Response:
        polling = request.query["transport"] == "polling"
        return web.Response(text=opening) if polling else web.Response(status=400)

    app = web.Application()
    app.router.add_get("/socket.io/", answer)
    async with serve(app) as url:
        result = await run(url, jwt_secret=SECRET, transport="polling", deadline=2)
    failure = failure_of(result)
    assert (failure.phase, failure.cause) == ("upgrade", Cause.PROTOCOL_ERROR)
    assert result.duration < 4


async def test_a_refused_port() -> None:
    with refusing_server() as url:
        failure = failure_of(await run(url, jwt_secret=SECRET))
    assert (failure.phase, failure.cause) == ("connect", Cause.CONNECT_REFUSED)


async def test_a_name_that_does_not_resolve() -> None:
    failure = failure_of(await run("http://nowhere.invalid", jwt_secret=SECRET))
    assert (failure.phase, failure.cause) == ("resolve", Cause.DNS_FAILED)


async def test_a_server_that_speaks_no_tls() -> None:
    async with signaling_server() as server:
        url = server.url.replace("http:", "https:")
        failure = failure_of(await run(url, jwt_secret=SECRET))
    assert failure.phase == "tls"
    assert failure.cause in (Cause.TLS_FAILED, Cause.CONNECTION_CLOSED)


async def test_a_redirect_of_a_websocket_is_not_followed() -> None:
    async with signaling_server() as server:

        async def away(request: web.Request) -> web.Response:
            raise web.HTTPFound(f"{server.url}{request.path_qs}")

        app = web.Application()
        app.router.add_get("/socket.io/", away)
        async with serve(app) as url:
            result = await run(url, jwt_secret=SECRET, transport="websocket")
    failure = failure_of(result)
    assert (failure.phase, failure.cause) == ("handshake", Cause.HTTP_STATUS)
    assert "redirect" in failure.hint
