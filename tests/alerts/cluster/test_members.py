"""Asking other probes, whatever they answer, and being asked by whomever."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from alerts.cluster.membership.member import GONE_SECONDS
from alerts.cluster.membership.members import PATH, ROUND_SECONDS, Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.protocol.messages import (
    MAX_ANSWER,
    MemberAnswer,
    QueriedCheck,
    Query,
    write,
)
from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.web.access import PEER_PATH, Access, guard
from probe.web.verdict_api import BURST, MAX_BODY, Peering
from tests.clocks import Clock

TOKEN = SecretStr("0f-all-three-pr0bes")
FRA = MemberAnswer(id="f" * 16, region="fra", open=("paircam.live",))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler, *, guarded: bool = False) -> AsyncIterator[str]:
    """A probe, or something in its place; its address."""
    access = Access(token=SecretStr("of-the-pages"))
    app = web.Application(middlewares=[guard(access)] if guarded else [])
    app.router.add_post(PATH, handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def peers_at(*entries: str, clock: Clock | None = None) -> Members:
    """A probe's view of the others."""
    return Members(PeersPlan(entries, TOKEN), "0" * 16, clock or Clock())


async def right(request: web.Request) -> web.Response:
    """An answer as it should be, for who has the token."""
    assert request.headers["Authorization"] == f"Bearer {TOKEN.get_secret_value()}"
    return web.Response(body=write(FRA))


async def slow(request: web.Request) -> web.Response:
    """No answer, for as long as anybody waits."""
    await asyncio.sleep(3600)
    return web.Response()


async def trickle(request: web.Request) -> web.StreamResponse:
    """A blank now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def flood(request: web.Request) -> web.StreamResponse:
    """More and more, for as long as anybody reads."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


def says(status: int = 200, body: bytes = b"") -> Handler:
    """A handler with one answer for everything."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    return handle


ODD = {
    "nothing": b"",
    "text": b"<html>hello</html>",
    "a list": b"[1]",
    "no region": b'{"schema": 1, "id": "ffffffffffffffff"}',
    "another schema": b'{"schema": 2, "id": "ffffffffffffffff", "region": "fra"}',
    "no number": b'{"schema":1,"id":"ffffffffffffffff","region":"fra",'
    b'"checks":{"a":{"age":NaN,"interval":1,"measured":true}}}',
    "from the future": b'{"schema":1,"id":"ffffffffffffffff","region":"fra",'
    b'"checks":{"a":{"age":-5,"interval":1,"measured":true}}}',
    "too many": json.dumps(
        {"schema": 1, "id": "f" * 16, "region": "fra", "open": ["x"] * 501}
    ).encode(),
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
async def test_what_is_no_answer_is_no_word(body: bytes) -> None:
    async with served(says(body=body)) as url:
        peers = peers_at(url)
        await peers.query_members([Query()])
        ((name, problem),) = peers.problems
        assert problem == "this is not an answer"
        assert name in url
        assert not peers.others[0].is_reachable(0.0)
        assert peers.failures == 1


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "not the same there"), (404, "not set there"), (429, "too often"), (302, ""), (500, "")],
)
async def test_a_refusal_says_what_would_be_right(status: int, hint: str) -> None:
    async with served(says(status)) as url:
        peers = peers_at(url)
        await peers.query_members([Query()])
        ((_, problem),) = peers.problems
        assert f"it answers {status}" in problem
        assert hint in problem
        assert TOKEN.get_secret_value() not in problem


@pytest.mark.parametrize("handler", [slow, trickle, flood])
async def test_asking_is_over_within_its_bound_whatever_the_others_do(handler: Handler) -> None:
    async with served(handler) as bad, served(right) as good:
        peers = peers_at(bad, bad + "/again", good)
        before = time.monotonic()
        await peers.query_members([Query(asks=(QueriedCheck(check="a", younger=1.0),))])
        assert time.monotonic() - before < ROUND_SECONDS + 5
        there = [each.name for each in peers.others if each.is_reachable(0.0)]
        assert there == ["fra"]
    assert MAX_ANSWER < 1 << 20


async def test_a_probe_knows_itself_by_its_own_answer_and_each_other_once() -> None:
    async with (
        served(right) as fra,
        served(says(body=write(MemberAnswer(id="0" * 16, region="lax")))) as me,
    ):
        same = fra.replace("127.0.0.1", "localhost")
        peers = peers_at(fra, same, me)
        await peers.query_members([Query()])
        (other,) = peers.others
        assert (other.name, other.url) == ("fra", fra)
        assert peers.is_ahead(other, "lax")
        turned = peers_at(me, fra)
        await turned.query_members([Query()])
        assert not turned.is_ahead(turned.others[0], "lax")


async def test_a_name_stands_for_every_address_that_it_has() -> None:
    async with served(right) as url:
        port = url.rpartition(":")[2]
        peers = peers_at(f"127.0.0.1:{port}", "no-such-name.invalid")
        await peers.query_members([Query()])
        assert [each.name for each in peers.others] == ["fra"]
        assert peers.unresolved == ["no-such-name.invalid"]
        assert ("no-such-name.invalid", "its name has no address") in peers.problems


async def test_one_lost_answer_is_no_death_and_the_next_ones_are() -> None:
    clock = Clock(100.0)
    async with served(right) as url:
        peers = peers_at(url, clock=clock)
        await peers.query_members([Query()])
    clock.pass_(3.0)
    await peers.query_members([Query()])
    assert peers.others[0].is_reachable(clock())
    clock.pass_(GONE_SECONDS)
    assert not peers.others[0].is_reachable(clock())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PROBE_PEERS": "probe.internal"}, "PROBE_PEERS needs PROBE_PEER_TOKEN"),
        ({"PROBE_PEER_TOKEN": "short"}, "at least 16"),
        ({"PROBE_PEER_TOKEN": "with a blank in the middle"}, "without blanks"),
        ({"PROBE_PEERS": "ftp://a", "PROBE_PEER_TOKEN": "x" * 16}, "not a web address"),
        ({"PROBE_PEERS": "a:99999", "PROBE_PEER_TOKEN": "x" * 16}, "is not an address"),
        ({"PROBE_PEERS": "http://u:hunter2@a", "PROBE_PEER_TOKEN": "x" * 16}, "PROBE_PEER_TOKEN"),
    ],
)
def test_a_mistake_says_what_would_be_right(variables: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings([], variables, alone=True)
    said = " ".join(f"{each}" for each in raised.value.problems)
    assert words in said
    assert "hunter2" not in said


def test_the_token_is_a_secret_and_the_list_may_have_commas() -> None:
    variables = {"PROBE_PEERS": "http://a:1/, b;c", "PROBE_PEER_TOKEN": TOKEN.get_secret_value()}
    found = load_settings([], variables, alone=True)
    assert found.service.peers.entries == ("http://a:1/", "b", "c")
    assert TOKEN.get_secret_value() in found.secrets
    assert TOKEN.get_secret_value() not in repr(found)


async def ask(url: str, body: bytes = b"{}", token: str = TOKEN.get_secret_value()) -> int:
    """The status of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + PATH, data=body, headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        return answer.status


async def echo(body: bytes) -> bytes | None:
    """An answer to everything but one thing."""
    return None if body == b"what?" else b"{}"


async def test_the_page_for_other_probes_takes_its_own_token_alone() -> None:
    assert PATH == PEER_PATH
    clock = Clock()
    async with served(Peering(TOKEN, echo, clock).handle, guarded=True) as url:
        assert await ask(url) == 200
        assert await ask(url, b"what?") == 400
        assert await ask(url, b"x" * MAX_BODY) == 200
        assert await ask(url, b"x" * (MAX_BODY + 1)) == 413
        for wrong in ("", "of-the-pages", "0f-all-three-pr0be", "\u00e9" * 16):
            assert await ask(url, token=wrong) == 401


async def test_who_asks_too_often_waits_and_strangers_keep_no_one_out() -> None:
    clock = Clock()
    async with served(Peering(TOKEN, echo, clock).handle) as url:
        statuses = [await ask(url, token="wrong") for _ in range(int(BURST) + 1)]
        assert statuses == [401] * int(BURST) + [429]
        statuses = [await ask(url) for _ in range(int(BURST) + 1)]
        assert statuses == [200] * int(BURST) + [429]
        clock.pass_(0.1)
        assert [await ask(url) for _ in range(3)] == [200, 200, 429]
