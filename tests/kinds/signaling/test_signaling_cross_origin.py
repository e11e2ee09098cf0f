"""Origins, headers, upgrades and sticky sessions, as a browser meets them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.model import CheckFailed, Status, Verdict
from probe.net.engineio import session
from probe.net.engineio.page_requests import PageRequests, Site
from probe.net.http import fresh_client
from tests.kinds.signaling.signaling_runs import (
    OPENING,
    check,
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
    values,
)
from tests.kinds.signaling.test_signaling_as_browsers import FRONTEND, READY
from tests.servers.signaling import SECRET, serve, signaling_server

pytestmark = pytest.mark.usefixtures("quiet")


def cors_server(allowed: list[str], credentials: str | None = None) -> Any:
    """Middleware: what a backend with these origins answers."""

    @web.middleware
    async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        if not answer.prepared:
            for each in allowed:
                answer.headers.add("Access-Control-Allow-Origin", each)
            if credentials is not None:
                answer.headers["Access-Control-Allow-Credentials"] = credentials
        return answer

    return middleware


async def _polled(request: web.Request, upgrading: asyncio.Event) -> str:
    """What polling is answered, which ends with the upgrade."""
    if request.method == "POST":
        return "ok"
    if "sid" not in request.query:
        return OPENING.replace("[]", '["websocket"]')
    await upgrading.wait()
    return "6"


@asynccontextmanager
async def backend_with(middleware: Any) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A polling and WebSocket server behind a middleware, and the requests that it saw."""
    seen: list[web.Request] = []
    accepted = ('40/signaling,{"sid":"s"}', READY)
    upgrading = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if request.query["transport"] == "polling":
            return web.Response(text=await _polled(request, upgrading))
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        if "sid" not in request.query:
            await socket.send_str(OPENING)
        async for message in socket:
            if message.data == "2probe":
                upgrading.set()
                await socket.send_str("3probe")
            elif str(message.data).startswith("40") or message.data == "5":
                for each in accepted:
                    await socket.send_str(each)
            elif "leave-queue" in str(message.data):
                await socket.send_str('42/signaling,["queue-left",{}]')
        return socket

    app = web.Application(middlewares=[middleware])
    app.router.add_route("*", "/socket.io/", handle)
    async with serve(app) as url:
        yield url, seen


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize(
    ("allowed", "allows_credentials", "sends", "passes"),
    [
        ([FRONTEND], None, False, True),
        (["*"], None, False, True),
        ([], None, False, False),
        (["https://old.example.org"], None, False, False),
        ([FRONTEND + "/"], None, False, False),
        (["http://app.example.org"], None, False, False),
        ([FRONTEND, FRONTEND], None, False, False),
        (["null"], None, False, False),
        ([FRONTEND], "true", True, True),
        ([FRONTEND], None, True, False),
        (["*"], "true", True, False),
    ],
)
async def test_the_frontends_origin_has_to_be_allowed(
    transport: str, allowed: list[str], allows_credentials: str | None, sends: bool, passes: bool
) -> None:
    async with backend_with(cors_server(allowed, allows_credentials)) as (url, _):
        result = await run(
            url, jwt_secret=SECRET, transport=transport, origin=FRONTEND, with_credentials=sends
        )
    if passes:
        assert (result.status, result.failure) == (Status.OK, None)
    else:
        assert failure_of(result).cause is Cause.CORS_REJECTED
        assert FRONTEND in failure_of(result).message


async def test_a_page_of_the_server_itself_needs_no_cors() -> None:
    async with backend_with(cors_server([])) as (url, seen):
        for transport in ("websocket", "polling"):
            result = await run(url, jwt_secret=SECRET, transport=transport, origin=url)
            assert (result.status, result.failure) == (Status.OK, None)
    sent = {(each.query["transport"], each.method): each.headers.get("Origin") for each in seen}
    # As browsers do: a same-origin GET has none, a WebSocket always has one.
    assert sent == {
        ("websocket", "GET"): url,
        ("polling", "GET"): None,
        ("polling", "POST"): url,
    }


async def test_headers_of_ones_own_are_sent() -> None:
    async with backend_with(cors_server([])) as (url, seen):
        result = await run(url, jwt_secret=SECRET, headers={"X-Environment": "staging"})
    assert result.status is Status.OK
    assert {each.headers["X-Environment"] for each in seen} == {"staging"}


@web.middleware
async def passing_by_header(request: web.Request, handler: Any) -> web.StreamResponse:
    """A gateway that wants X-Pass, in front of a backend that lets pages send X-Environment."""
    if request.path == "/socket.io/" and request.headers.get("X-Pass") != "p":
        return web.Response(status=403)
    if request.method == "OPTIONS":
        permitted = {"Access-Control-Allow-Headers": "x-environment"}
        return web.Response(headers={"Access-Control-Allow-Origin": FRONTEND, **permitted})
    answer: web.StreamResponse = await handler(request)
    if not answer.prepared:
        answer.headers["Access-Control-Allow-Origin"] = FRONTEND
    return answer


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_what_the_probe_alone_sends_is_on_all_that_it_asks(transport: str) -> None:
    headers: Any = {"extra_headers": {"X-Environment": "staging"}, "headers": {"X-Pass": "p"}}
    async with backend_with(passing_by_header) as (url, seen):
        result = await run(url, jwt_secret=SECRET, transport=transport, origin=FRONTEND, **headers)
    assert (result.status, result.failure) == (Status.OK, None)
    carried = {(each.query["transport"], each.headers.get("X-Environment")) for each in seen}
    assert carried == {("websocket", None), ("polling", "staging")}


async def test_a_gateway_that_wants_what_no_websocket_carries_is_told_the_key() -> None:
    async with backend_with(passing_by_header) as (url, _):
        failure = failure_of(
            await run(url, jwt_secret=SECRET, origin=FRONTEND, extra_headers={"X-Pass": "p"})
        )
    assert failure.cause is Cause.HTTP_STATUS
    assert "headers instead of extra_headers" in failure.hint


@pytest.mark.parametrize("refusal", ["status 400", "status 502", "silence", "no probe", "closed"])
async def test_a_failed_upgrade_is_a_warning_while_polling_works(
    monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    monkeypatch.setattr(session, "UPGRADE_TIMEOUT", 0.3)

    @web.middleware
    async def refuse(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.query.get("transport") != "websocket":
            answer: web.StreamResponse = await handler(request)
            return answer
        if refusal.startswith("status"):
            return web.Response(status=int(refusal.split()[1]))
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        if refusal == "no probe":
            await socket.send_str("3else")
        if refusal != "closed":
            await socket.receive()
            await socket.receive()
        return socket

    async with signaling_server(middlewares=[refuse]) as server:
        result = await run(server.url, transport="polling", deadline=10.0)
        assert server.transports == ["polling"]
    assert (result.status, result.failure) == (Status.OK, None)
    assert values(result)["probe_signaling_upgraded"] == 0
    assert "WebSocket upgrades" in result.facts["upgrade"]
    configured = check(server.url, transport="polling")
    assert judge([configured], {"signaling": result}).checks["signaling"] is Verdict.WARNING


@pytest.mark.parametrize("body", ['{"code":1,"message":"Session ID unknown"}', "", "<html>"])
async def test_a_session_unknown_to_the_next_backend_hints_at_sticky_sessions(
    body: str,
) -> None:
    async def handle(request: web.Request) -> web.Response:
        if "sid" in request.query:
            return web.Response(status=400, text=body)
        return web.Response(text=OPENING)

    app = web.Application()
    app.router.add_route("*", "/socket.io/", handle)
    async with serve(app) as url:
        failure = failure_of(await run(url, jwt_secret=SECRET, transport="polling"))
    assert failure.cause is Cause.PROTOCOL_ERROR
    assert "ticky sessions" in failure.hint
    assert "Session ID unknown" in failure.message or not body.startswith("{")


async def test_sticky_sessions_by_cookie_work() -> None:
    backends = {"a", "b"}
    served: list[str] = []

    @web.middleware
    async def balance(request: web.Request, handler: Any) -> web.StreamResponse:
        backend = request.cookies.get("SRV")
        if request.path == "/socket.io/" and "sid" in request.query and backend not in backends:
            return web.Response(status=400)
        served.append(backend or "")
        answer: web.StreamResponse = await handler(request)
        if not answer.prepared:
            answer.headers.add("Set-Cookie", "SRV=a; Path=/; HttpOnly")
        return answer

    async with signaling_server(upgrades=False, middlewares=[balance]) as server:
        result = await run(server.url, transport="polling")
    assert (result.status, result.failure) == (Status.OK, None)
    assert set(served[2:]) == {"a"}


@pytest.mark.parametrize(
    ("first", "last", "passes"),
    [
        (FRONTEND, "null", True),
        (FRONTEND, "*", True),
        (FRONTEND, FRONTEND, False),
        (None, "*", False),
    ],
)
async def test_a_redirect_of_a_poll_has_to_allow_the_origin_too(
    first: str | None, last: str, passes: bool
) -> None:
    seen: list[web.Request] = []
    allowed = {} if first is None else {"Access-Control-Allow-Origin": first}

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(text="6", headers={"Access-Control-Allow-Origin": last})

    async def lead(request: web.Request) -> web.Response:
        location = url + str(request.rel_url)
        return web.Response(status=307, headers={"Location": location, **allowed})

    apps = [web.Application(), web.Application()]
    for app, handle in zip(apps, (answer, lead), strict=True):
        app.router.add_route("*", "/socket.io/", handle)
    async with (
        serve(apps[0]) as url,
        serve(apps[1]) as other,
        fresh_client(ca_file=None, clock=time.monotonic, host="x") as browser,
    ):
        polls = PageRequests(browser, "x", Site(other, "/socket.io", FRONTEND))
        if passes:
            assert await polls.get("") == "6"
        else:
            with pytest.raises(CheckFailed) as caught:
                await polls.get("")
            assert caught.value.cause is Cause.CORS_REJECTED
    assert {each.headers.get("Origin") for each in seen} == ({"null"} if first else set())
