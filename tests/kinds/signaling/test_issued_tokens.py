"""A backend whose tokens the probe signs itself is asked for one too: users have no other."""

import time

import pytest

from probe.core.context import Context
from probe.core.model import Status
from tests.clocks import Clock
from tests.kinds.signaling.signaling_runs import (
    failure_of,
    quiet,  # noqa: F401  (a fixture)
    run,
    values,
)
from tests.paircam.backend_requests import json_answer
from tests.servers.signaling import SECRET, signaling_server

pytestmark = pytest.mark.usefixtures("quiet")


async def test_where_it_is_minted_users_are_seen_to_get_one_once_in_its_lifetime() -> None:
    context = Context()
    async with signaling_server() as server:
        results = [await run(server.url, context, jwt_secret=SECRET) for _ in range(3)]
        assert [result.status for result in results] == [Status.OK] * 3
        assert server.tokens == 1
    found = ["probe_signaling_token_seconds" in values(result) for result in results]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("status", "content", "cause"),
    [(401, {}, "http_status"), (400, {}, "http_status"), (500, {}, "http_status")],
)
async def test_where_it_is_minted_and_users_get_none_that_is_a_failure_until_they_do(
    status: int, content: object, cause: str
) -> None:
    context = Context()
    async with signaling_server() as server:
        server.answer = lambda: json_answer(content, status)
        broken = [await run(server.url, context, jwt_secret=SECRET) for _ in range(2)]
        server.answer = None
        mended = await run(server.url, context, jwt_secret=SECRET)
    for result in broken:
        failure = failure_of(result)
        assert (failure.phase, failure.cause.value) == ("token", cause)
        assert "Users get no token" in failure.hint
    assert mended.status is Status.OK


async def test_where_it_is_minted_a_limit_that_is_used_up_says_nothing() -> None:
    async with signaling_server() as server:
        server.answer = lambda: json_answer({}, 429)
        assert (await run(server.url, jwt_secret=SECRET)).status is Status.OK


@pytest.mark.parametrize("status", [404, 405, 501, 200, 302])
async def test_what_never_issued_a_token_says_nothing_and_what_has_ceased_to_does(
    status: int,
) -> None:
    past = Clock()
    context = Context(clock=lambda: time.monotonic() + past.seconds)
    async with signaling_server() as server:
        server.answer = lambda: json_answer({}, status)
        never = await run(server.url, context, jwt_secret=SECRET)
        server.answer = None
        there = await run(server.url, context, jwt_secret=SECRET)
        server.answer = lambda: json_answer({}, status)
        past.pass_(3600)
        gone = await run(server.url, context, jwt_secret=SECRET)
    assert [never.status, there.status, gone.status] == [Status.OK, Status.OK, Status.FAILED]


async def test_silence_says_nothing_before_the_first_token_and_is_a_failure_behind_it() -> None:
    past = Clock()
    context = Context(clock=lambda: time.monotonic() + past.seconds)
    async with signaling_server() as server:
        server.go_on.clear()
        never = await run(server.url, context, jwt_secret=SECRET, deadline=3)
        server.go_on.set()
        there = await run(server.url, context, jwt_secret=SECRET)
        server.go_on.clear()
        past.pass_(3600)
        gone = await run(server.url, context, jwt_secret=SECRET, deadline=2)
        server.go_on.set()
    assert [never.status, there.status, gone.status] == [Status.OK, Status.OK, Status.FAILED]
    failure = failure_of(gone)
    assert (failure.phase, failure.cause.value) == ("token", "deadline")
