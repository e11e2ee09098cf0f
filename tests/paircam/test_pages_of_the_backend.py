"""What the backend issues has to reach the application's page; rows of Chromium's are in
``tests/browser/http/issued``."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.environment import Variables, read_environment
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.kinds import call, journey, resilience, signaling, turn
from tests.paircam.backend_requests import backend, json_answer, refused
from tests.servers.signaling import SECRET, SignalingServer, signaling_server

PAGE = "https://app.example.org"
ALLOWED = {"Access-Control-Allow-Origin": PAGE}
PERMITTED = {**ALLOWED, "Access-Control-Allow-Headers": "authorization, content-type"}
RELAYS = {"urls": ["turn:127.0.0.1"], "username": "u", "credential": "c", "ttl": 60}


class Cors:
    """What the backend says to pages of another origin, and which requests came."""

    def __init__(
        self,
        answer: Mapping[str, str] = ALLOWED,
        preflight: Mapping[str, str] = PERMITTED,
        status: int = 204,
    ) -> None:
        self.answer, self.preflight, self.status = answer, preflight, status
        self.seen: list[tuple[str, str | None]] = []

    @property
    def middleware(self) -> Any:
        """For the server."""

        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            self.seen.append((request.method, request.headers.get("Origin")))
            if request.method == "OPTIONS":
                return web.Response(status=self.status, headers=self.preflight)
            answer: web.StreamResponse = await handler(request)
            answer.headers.update(self.answer)
            return answer

        return middleware


async def _issuing(server: SignalingServer, origin: str | None = PAGE) -> float | None:
    users = backend(server.url, secret=SECRET, origin=origin)
    return await users.check_issuing(Recorder(time.monotonic), 20)


@pytest.mark.usefixtures("leaks")
@pytest.mark.parametrize(
    ("cors", "says"),
    [
        (Cors({}), "sends no Access-Control-Allow-Origin"),
        (Cors({"Access-Control-Allow-Origin": "https://old.example.org"}), "allows https://old"),
        (Cors(preflight={}), "sends no Access-Control-Allow-Origin"),
        (Cors(preflight=ALLOWED), "does not allow the header content-type"),
        (Cors(status=404), "answers OPTIONS with 404"),
    ],
)
async def test_a_token_that_no_page_gets_is_none(cors: Cors, says: str) -> None:
    async with signaling_server(middlewares=[cors.middleware]) as server:
        failure = await refused(backend(server.url, origin=PAGE).token())
        minted = await refused(_issuing(server))
    for each in (failure, minted):
        assert (each.cause, says in each.message) == (Cause.CORS_REJECTED, True)
        assert "Users get no token" not in (each.hint or "")


async def test_a_page_that_gets_it_is_asked_for_permission_as_browsers_ask() -> None:
    cors = Cors()
    async with signaling_server(middlewares=[cors.middleware]) as server:
        await backend(server.url, origin=PAGE).token()
    assert sorted(cors.seen) == [("OPTIONS", PAGE), ("POST", PAGE)]


@pytest.mark.parametrize("at_home", [False, True])
async def test_without_a_page_elsewhere_nothing_is_judged(at_home: bool) -> None:
    cors = Cors({}, {}, 404)
    async with signaling_server(middlewares=[cors.middleware]) as server:
        await backend(server.url, origin=server.url if at_home else None).token()
        own = server.url
    assert cors.seen == [("POST", own if at_home else None)]


@pytest.mark.parametrize(
    ("content", "status"), [({}, 200), ({"page": "of another application"}, 201), ({}, 404)]
)
async def test_where_nothing_is_issued_no_page_misses_it(content: object, status: int) -> None:
    """An application that has no such path is none that keeps its tokens from pages."""
    cors = Cors({}, {}, 404)
    async with signaling_server(middlewares=[cors.middleware]) as server:
        server.answer = lambda: json_answer(content, status)
        assert await _issuing(server) is None


async def test_a_status_says_more_than_the_headers_that_it_lacks() -> None:
    cors = Cors({}, {}, 500)
    async with signaling_server(middlewares=[cors.middleware]) as server:
        server.answer = lambda: json_answer({}, 503)
        failure = await refused(backend(server.url, origin=PAGE).token())
    assert (failure.cause, "503" in failure.message) == (Cause.HTTP_STATUS, True)


async def test_a_preflight_that_meets_a_limit_is_no_outage() -> None:
    async with signaling_server(middlewares=[Cors(status=429).middleware]) as server:
        failure = await refused(backend(server.url, origin=PAGE).token())
        assert (failure.cause, isinstance(failure, CheckFailed)) == (Cause.RATE_LIMITED, False)
        assert await _issuing(server) is None


@pytest.mark.parametrize("is_readable", [True, False])
async def test_relays_have_to_reach_the_page_too(is_readable: bool) -> None:
    cors = Cors(ALLOWED if is_readable else {})
    async with signaling_server(middlewares=[cors.middleware]) as server:
        server.credentials = lambda: json_answer(RELAYS)
        issuing = backend(server.url, secret=SECRET, origin=PAGE)
        if is_readable:
            assert (await issuing.issued_credentials()).username == "u"
        else:
            failure = await refused(issuing.issued_credentials())
            assert failure.cause is Cause.CORS_REJECTED


@pytest.mark.parametrize("of", [signaling, turn, call, resilience, journey])
def test_the_page_is_the_frontend_for_each_kind_that_is_issued_something(of: Any) -> None:
    variables = {
        "BACKEND_URL": "https://api.example.org",
        "FRONTEND_URL": f"{PAGE}/start",
        "PROBE_JOURNEY": "true",
    }
    derived = of.KIND.derive(read_environment(of.KIND.environment, Variables(variables)))
    tables = ({**derived.defaults, **each} for each in derived.tables)
    pages = [each.get("origin") for each in tables if {"url", "backend_url"} & {*each}]
    assert pages
    assert {*pages} == {PAGE}
