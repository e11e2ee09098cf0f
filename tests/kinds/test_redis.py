"""The redis check against Redis 7, with and without TLS, pushed to its limits."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from alerts.evaluate import judge
from probe.causes import Cause
from probe.context import Context
from probe.kind import Check
from probe.kinds.redis import (
    DAILY,
    DAILY_SHARE,
    FILLED,
    KIND,
    MEMORY,
    RedisTable,
    commands,
    run,
)
from probe.model import Result, Status, Stop, Verdict
from probe.record import Record
from probe.runner import run_check
from tests.clocks import Clock
from tests.kinds.looking import ending, failure, values
from tests.servers.redis import PASSWORD, RedisServer

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


def check(url: str, **table: Any) -> Check:
    return Check(KIND, RedisTable.model_validate({"name": "redis", "url": url, **table}))


async def look(url: str, **table: Any) -> Result:
    return await run_check(check(url, **table), Context())


def client(server: RedisServer) -> "Redis":
    return Redis(host="127.0.0.1", port=server.port, password=PASSWORD)


async def _fill(other: "Redis", megabytes: int) -> None:
    """Piece by piece: what a client sends at once counts as memory too."""
    for number in range(megabytes):
        await other.set(f"filling-{number}", b"x" * 1_000_000)


def _verdict(each: Check, result: Result, signal: str) -> Verdict:
    found = judge([each], {each.name: result}, set()).evaluations
    return next(one.verdict for one in found if one.threshold.signal.name == signal)


async def test_it_says_how_full_the_server_is(redis: RedisServer) -> None:
    async with client(redis) as other:
        await other.mset({"a": "1", "b": "2"})
        result = await look(redis.url())
        await other.flushall()
    assert result.failure is None
    found = values(result)
    assert found["probe_redis_keys"] == 2
    assert found["probe_redis_clients"] == 2
    assert found["probe_redis_evicted_keys"] == 0
    assert 5e5 < found["probe_redis_memory_bytes"] < 5e7
    assert found["probe_redis_memory_limit_bytes"] == 256e6
    assert found["probe_redis_memory_ratio"] == found["probe_redis_memory_bytes"] / 256e6
    assert found["probe_redis_ping_seconds"] > 0
    assert list(result.phases) == ["connect", "ping", "info"]
    assert result.facts["version"].startswith("7.")


@pytest.mark.parametrize(("path", "sent"), [("", 3), ("/2", 4)])
async def test_a_run_sends_as_many_commands_as_it_is_said_to_cost(
    redis: RedisServer, path: str, sent: int
) -> None:
    """What the server has counted between two looks by somebody else."""
    each = check(redis.url(path=path))
    async with client(redis) as other:
        before = int((await other.info())["total_commands_processed"])
        assert (await run_check(each, Context())).failure is None
        after = int((await other.info())["total_commands_processed"])
    assert after - before - 1 == sent == commands(RedisTable.model_validate(each.table))


async def test_tls_is_verified(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, tls=True)
    try:
        good = await look(server.url(), ca_file=server.ca_file)
        unknown = await look(server.url())
        plain = await look(server.url().replace("rediss", "redis"), deadline=3)
    finally:
        server.stop()
    assert good.failure is None
    assert ending(unknown) == ("connect", Cause.TLS_INVALID)
    assert plain.status is Status.FAILED


async def test_a_server_without_tls_keeps_silent_and_the_hint_says_why(redis: RedisServer) -> None:
    result = await look(redis.url().replace("redis:", "rediss:"), deadline=1.0)
    assert ending(result) == ("connect", Cause.DEADLINE)
    assert "rediss://" in failure(result).hint


@pytest.mark.parametrize(
    ("filled", "verdict"),
    [
        (0, Verdict.OK),
        (12, Verdict.OBJECTIVE_MISSED),
        (16, Verdict.WARNING),
        (20, Verdict.CRITICAL),
    ],
)
async def test_memory_moves_through_the_limits(
    redis: RedisServer, filled: int, verdict: Verdict
) -> None:
    """Filled to so many MB beside the one or two that Redis itself takes."""
    limits = {MEMORY.name: {"objective": 10e6, "warning": 15e6, "critical": 19e6}}
    each = check(redis.url(), thresholds=limits)
    async with client(redis) as other:
        await _fill(other, filled)
        result = await run_check(each, Context())
        await other.flushall()
    assert _verdict(each, result, MEMORY.name) is verdict


@pytest.mark.parametrize(
    ("filled", "verdict"),
    [(0, Verdict.OK), (101, Verdict.OBJECTIVE_MISSED)],
)
async def test_the_operators_objective_is_100_mb(
    redis: RedisServer, filled: int, verdict: Verdict
) -> None:
    each = check(redis.url())
    async with client(redis) as other:
        await _fill(other, filled)
        result = await run_check(each, Context())
        await other.flushall()
    assert _verdict(each, result, MEMORY.name) is verdict


async def test_a_servers_own_limit_counts_where_it_is_the_lower_one(tmp_path: Path) -> None:
    options = ("--maxmemory", "10000000", "--maxmemory-policy", "allkeys-lru")
    server = RedisServer(tmp_path, options=options)
    each = check(server.url())
    try:
        async with client(server) as other:
            for number in range(100):
                await other.set(f"filling-{number}", b"x" * 200_000)
            result = await run_check(each, Context())
    finally:
        server.stop()
    assert values(result)["probe_redis_memory_limit_bytes"] == 10e6
    assert values(result)["probe_redis_evicted_keys"] > 0
    assert _verdict(each, result, FILLED.name) in (Verdict.WARNING, Verdict.CRITICAL)


async def test_a_server_without_room_for_a_client_has_reached_its_limit(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, options=("--maxclients", "2"))
    try:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                other = await stack.enter_async_context(client(server))
                await other.ping()
            result = await look(server.url())
    finally:
        server.stop()
    assert result.status is Status.FAILED
    assert ending(result) == ("connect", Cause.QUOTA_EXCEEDED)


async def test_a_server_that_is_gone_leaves_every_limit_without_data(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path)
    each = check(server.url())
    assert _verdict(each, await run_check(each, Context()), MEMORY.name) is Verdict.OK
    server.stop()
    result = await run_check(each, Context())
    assert ending(result) == ("connect", Cause.CONNECT_REFUSED)
    assert _verdict(each, result, MEMORY.name) is Verdict.UNKNOWN
    assert _verdict(each, result, FILLED.name) is Verdict.UNKNOWN
    assert judge([each], {each.name: result}, set()).verdict is Verdict.WARNING


async def test_a_wrong_password_is_no_outage_and_is_shown_nowhere(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-but-secret"
    result = await look(redis.url(password=wrong))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("connect", Cause.AUTH_REJECTED)
    assert wrong not in f"{result}{caplog.text}"


async def test_no_password_where_one_is_asked_for_is_no_outage(redis: RedisServer) -> None:
    result = await look(f"redis://127.0.0.1:{redis.port}")
    assert result.status is Status.UNKNOWN
    assert failure(result).cause is Cause.AUTH_REJECTED


async def test_no_secret_is_in_a_traceback_of_a_failed_connection(redis: RedisServer) -> None:
    """Not in what is raised, nor in what that was made of."""
    table = check(redis.url(path="/4711")).table
    with pytest.raises(Stop) as caught:
        await run(RedisTable.model_validate(table), Record(), Context())
    error: BaseException | None = caught.value
    assert caught.value.__suppress_context__
    while error is not None:
        assert PASSWORD not in f"{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_commands_of_a_day_are_told_from_what_the_server_counts(redis: RedisServer) -> None:
    """An hour in which others send a thousand commands is a day of 24,000, of 20,000."""
    each, clock = check(redis.url(), plan_commands=20_000), Clock(1e9)
    context = Context(now=clock)
    first = await run_check(each, context)
    async with client(redis) as other:
        pipeline = other.pipeline(transaction=False)
        for _ in range(1000):
            pipeline.ping()
        await pipeline.execute()
    clock.pass_(3600)
    second = await run_check(each, context)
    assert DAILY.name not in values(first)
    assert 24_000 <= values(second)[DAILY.name] < 24_000 * 1.1
    assert judge([each], {each.name: first}, set()).verdict is Verdict.OK
    assert _verdict(each, second, DAILY_SHARE.name) is Verdict.WARNING


async def test_without_a_plan_of_commands_nothing_is_held_against_it(redis: RedisServer) -> None:
    each, clock = check(redis.url()), Clock(1e9)
    context = Context(now=clock)
    await run_check(each, context)
    clock.pass_(3600)
    found = values(await run_check(each, context))
    assert DAILY.name in found
    assert DAILY_SHARE.name not in found


async def _served(answers: bytes, deadline: float = 3.0) -> Result:
    """Look at a server that answers everything with the same."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(answers)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await look(f"redis://127.0.0.1:{port}", deadline=deadline)


async def test_an_upstash_without_commands_left_has_reached_its_limit() -> None:
    result = await _served(b"-ERR max daily request limit exceeded. Limit: 10000\r\n")
    assert result.status is Status.FAILED
    assert ending(result) == ("ping", Cause.QUOTA_EXCEEDED)


async def test_an_info_without_memory_can_not_be_measured() -> None:
    result = await _served(b"$19\r\nredis_version:7.0\r\n\r\n")
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("info", Cause.BODY_INVALID)


async def test_what_is_no_redis_is_said_to_be_none() -> None:
    result = await _served(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert result.status is Status.FAILED
    assert failure(result).cause is Cause.PROTOCOL_ERROR


async def test_a_server_that_says_nothing_meets_the_deadline() -> None:
    assert ending(await _served(b"", deadline=0.3)) == ("ping", Cause.DEADLINE)


@pytest.mark.parametrize(
    ("url", "plans"),
    [
        ("rediss://default:p@eu1-fine-fish-3.upstash.io:6379", [("upstash", 3, False)]),
        ("redis://eu1-fine-fish-3.upstash.io:6379/1", [("upstash", 3, False)]),
        ("redis://default:p@redis.example.org:6379", []),
    ],
)
def test_only_what_runs_at_upstash_uses_its_commands(url: str, plans: list[object]) -> None:
    table = RedisTable(name="redis", url=SecretStr(url))
    assert [(use.plan, use.amount, use.lingers) for use in KIND.uses(table)] == plans
    assert table.daily_commands == (10_000 if plans else None)
