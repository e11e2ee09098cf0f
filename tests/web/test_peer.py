"""``POST /peer``: who gets an answer, and how often."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from probe.web import verdict_api
from probe.web.access import CALL_PATH, PEER_PATHS, Access, guard
from probe.web.api.problem import CONTENT_TYPE, problems
from probe.web.call_api import BURST, PeerCalls
from probe.web.verdict_api import MAX_BODY
from tests.clocks import Clock

TOKEN = "0f-b0th-pr0bes-here"
GOOD = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def url(clock: Clock) -> AsyncIterator[str]:
    async def answer(body: bytes) -> tuple[int, bytes, int]:
        return (429, b"full", 2) if body == b"more" else (200, b"{}", 0)

    calls = PeerCalls(SecretStr(TOKEN), answer, clock)
    access = Access(user="eva", password=SecretStr("x"))
    app = web.Application(middlewares=[problems(PEER_PATHS), guard(access)])
    app.router.add_post(CALL_PATH, calls.handle)
    async with TestServer(app) as server:
        yield str(server.make_url(CALL_PATH))


async def status(url: str, headers: dict[str, str], body: bytes = b"{}") -> int:
    async with ClientSession() as session, session.post(url, data=body, headers=headers) as found:
        return found.status


async def test_the_token_is_the_key_whatever_the_pages_ask_for(url: str) -> None:
    assert await status(url, GOOD) == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}", "Bearer é"]
)
async def test_others_are_refused(url: str, header: str) -> None:
    assert await status(url, {"Authorization": header} if header else {}) == 401


async def test_a_call_too_many_is_answered_with_when_to_retry(url: str) -> None:
    async with (
        ClientSession() as session,
        session.post(url, data=b"more", headers=GOOD) as found,
    ):
        assert (found.status, found.headers["Retry-After"]) == (429, "2")


async def test_a_long_body_is_not_read_to_its_end(url: str) -> None:
    assert await status(url, GOOD, bytes(MAX_BODY + 1)) == 413


async def test_a_body_that_never_ends_is_not_waited_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_api, "BODY_SECONDS", 0.2)
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await ended.wait()

    async with ClientSession() as session, asyncio.timeout(30):
        async with session.post(url, data=body(), headers=GOOD) as found:
            assert found.status == 408
        ended.set()


async def test_too_many_are_sent_away_and_strangers_keep_no_one_out(url: str, clock: Clock) -> None:
    for _ in range(int(BURST)):
        assert await status(url, {}) == 401
    assert await status(url, {}) == 429
    for _ in range(int(BURST)):
        assert await status(url, GOOD) == 200
    assert await status(url, GOOD) == 429
    clock.pass_(1.0)
    assert await status(url, GOOD) == 200


@pytest.mark.parametrize(
    ("method", "headers", "body", "code", "word"),
    [
        ("POST", {}, b"", 401, "PROBE_PEER_TOKEN"),
        ("POST", GOOD, bytes(MAX_BODY + 1), 413, str(MAX_BODY)),
        ("POST", GOOD, b"more", 429, "full"),
        ("GET", GOOD, b"", 405, "Method Not Allowed"),
    ],
)
async def test_every_refusal_is_a_problem(
    url: str, method: str, headers: dict[str, str], body: bytes, code: int, word: str
) -> None:
    """RFC 9457, as everywhere else in the API."""
    async with (
        ClientSession() as session,
        session.request(method, url, data=body, headers=headers) as found,
    ):
        document = await found.json(content_type=CONTENT_TYPE)
    assert (found.status, document["status"]) == (code, code)
    assert word in document["detail"]
