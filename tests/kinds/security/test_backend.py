"""Forged tokens, rate limits, ports: against the lab's backend and one that accepts everything."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status
from probe.kinds.security import requests
from probe.kinds.security.settings import SecurityTable
from probe.kinds.security.tokens import forgeries
from probe.lab.backend import LabBackend
from tests.kinds.security.looking import found, look, passed, text_of
from tests.servers.node_backend import NodeBackendFactory

SECRET = "a-key-of-the-lab-with-more-than-32-characters"


@pytest.fixture
async def backend() -> AsyncIterator[LabBackend]:
    server = LabBackend(jwt_secret=SECRET, turn_secret="turn")
    await server.start()
    yield server
    await server.stop()


Accepts = Callable[[str], bool]


class Careless:
    """A backend that answers each status a test sets, and reads of tokens what it likes."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.accepts: Accepts = lambda token: True
        self.limit = 10**6
        self.requests = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/turn/credentials", self._credentials)
        app.router.add_get("/page", self._page)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _credentials(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        self.tokens.append(token)
        return web.json_response({}, status=201 if self.accepts(token) else 401)

    async def _page(self, request: web.Request) -> web.Response:
        self.requests += 1
        return web.Response(status=429 if self.requests > self.limit else 200)


@pytest.fixture
async def careless() -> AsyncIterator[Careless]:
    server = Careless()
    await server.start()
    yield server
    await server.stop()


async def test_a_backend_that_verifies_tokens_passes(backend: LabBackend) -> None:
    result = await look("auth", page=backend.url, jwt_secret=SECRET)
    assert passed(result)
    assert len(result.facts) == 12
    sockets = {item: seen for item, seen in result.facts.items() if item.startswith("Socket.IO")}
    assert set(sockets.values()) == {"refused (connection_closed)"}
    assert {seen for item, seen in result.facts.items() if item not in sockets} == {"refused (401)"}
    assert SECRET not in text_of(result)


async def test_one_that_accepts_everything_is_found_with_every_forgery(careless: Careless) -> None:
    cause, evidence, fix = found(await look("auth", page=careless.url, jwt_secret=SECRET))
    assert cause is Cause.AUTH_NOT_ENFORCED
    assert "answers 201 to a request without a token" in evidence
    assert len(careless.tokens) == 6
    assert "RFC 8725" in fix


async def test_a_session_that_takes_forged_tokens_is_found(
    node_backend: NodeBackendFactory,
) -> None:
    """Over HTTP nothing is accepted; each forgery gets the application's event all the same."""
    server = node_backend("careless")
    cause, evidence, _ = found(await look("auth", page=server.url, endpoints=("POST /nothing",)))
    assert cause is Cause.AUTH_NOT_ENFORCED
    assert evidence.count('Socket.IO sends "connected" to a session') == 5
    strict = node_backend("ok")
    result = await look("auth", page=strict.url, endpoints=("POST /nothing",))
    assert passed(result)
    silent = node_backend("silent")
    result = await look("auth", page=silent.url, endpoints=("POST /nothing",))
    assert [seen for seen in result.facts.values() if 'no "connected" within' in seen]


@pytest.mark.parametrize(
    ("word", "accepts"),
    [
        ('"alg": "none"', lambda token: token.endswith(".")),
        ("expired an hour ago", lambda token: token.count(".") == 2 and not token.endswith(".")),
    ],
)
async def test_one_kind_of_forgery_is_enough(
    careless: Careless, word: str, accepts: Accepts
) -> None:
    careless.accepts = accepts
    _, evidence, _ = found(await look("auth", page=careless.url, jwt_secret=SECRET))
    assert word in evidence


async def test_an_endpoint_that_is_not_there_is_not_measured(careless: Careless) -> None:
    result = await look("auth", page=careless.url, endpoints=("POST /nothing",))
    assert result.status is Status.UNKNOWN
    assert result.failure is not None
    assert result.failure.cause is Cause.NO_DATA


async def test_our_own_rate_limit_is_not_the_backends_fault(backend: LabBackend) -> None:
    backend.knobs.rate_limited = True
    result = await look("auth", page=backend.url)
    assert result.status is Status.UNKNOWN
    assert result.failure is not None
    assert result.failure.cause is Cause.RATE_LIMITED


async def test_more_requests_than_a_window_may_have_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "WINDOW_SECONDS", 0.2)
    loop, pace, begun = asyncio.get_running_loop(), requests.Pace(), []
    for _ in range(2 * requests.MAX_PER_WINDOW + 1):
        await pace.turn()
        begun.append(loop.time())
    apart = [
        later - earlier
        for earlier, later in zip(begun, begun[requests.MAX_PER_WINDOW :], strict=False)
    ]
    # The loop wakes a sleeper up to one tick of its clock early.
    assert min(apart) >= 0.19


def test_forged_tokens_are_what_they_say() -> None:
    jwt = pytest.importorskip("jwt")
    given = {"name": "a", "aspect": "auth", "page": "http://x.example", "jwt_secret": SECRET}
    table = SecurityTable.model_validate(given)
    found_ = dict(forgeries(table, 1_800_000_000.0))
    late = found_["with a token that expired an hour ago"]["Authorization"].split()[1]
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(late, SECRET, algorithms=["HS256"], options=options)["sub"]
    other = found_["with a token signed by another key"]["Authorization"].split()[1]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(other, SECRET, algorithms=["HS256"], options=options)
    unsigned = found_['with a token of "alg": "none"']["Authorization"].split()[1]
    assert jwt.get_unverified_header(unsigned)["alg"] == "none"


async def test_a_rate_limit_that_holds_and_one_that_does_not(careless: Careless) -> None:
    promise = {"page": f"{careless.url}/page", "rate_requests": 20, "rate_seconds": 30}
    cause, evidence, _ = found(await look("rate_limit", **promise))
    assert cause is Cause.RATE_LIMIT_MISSING
    assert "without a 429, 20 are promised" in evidence
    assert careless.requests == 31  # bounded: 1.3 times the promise and five
    careless.limit, careless.requests = 20, 0
    assert passed(await look("rate_limit", **promise))


async def test_requests_that_took_longer_than_the_window_prove_nothing(careless: Careless) -> None:
    clock = iter(range(0, 10**6, 100))
    slow = Context(clock=lambda: float(next(clock)))
    promise = {"page": f"{careless.url}/page", "rate_requests": 1, "rate_seconds": 0.1}
    result = await look("rate_limit", slow, **promise, deadline=300.0)
    assert result.status is Status.UNKNOWN


async def test_an_open_port_is_found_and_a_closed_one_is_not(careless: Careless) -> None:
    closed = await look("ports", page="http://127.0.0.1/", ports=(9,))
    assert passed(closed)
    cause, evidence, _ = found(
        await look("ports", page="http://127.0.0.1/", ports=(9, careless.port))
    )
    assert cause is Cause.PORT_OPEN
    assert evidence == f"127.0.0.1: open to everyone: {careless.port}"


async def test_open_cors_of_the_lab_is_found(backend: LabBackend) -> None:
    page = f"{backend.url}/health"
    assert passed(await look("cors", page=page))
    backend.knobs.cors_open = True
    cause, _, _ = found(await look("cors", page=page))
    assert cause is Cause.FOREIGN_ORIGIN_ALLOWED
