"""The redis check against Redis 7, with and without TLS, pushed to its limits."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status, Verdict
from probe.core.runner import run_check
from probe.kinds.redis import (
    FILLED,
    MEMORY,
    REFUSES_WRITES,
    RedisTable,
    commands,
)
from tests.kinds.http_helpers import ending, failure, values
from tests.kinds.stores.redis_runs import check, client, fill, look, verdict_on
from tests.servers.redis import RedisServer

WRITES = REFUSES_WRITES.name

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


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
    """Filled to so many MB besides the one or two that Redis itself takes."""
    limits = {MEMORY.name: {"objective": 10e6, "warning": 15e6, "critical": 19e6}}
    each = check(redis.url(), thresholds=limits)
    async with client(redis) as other:
        await fill(other, filled)
        result = await run_check(each, Context())
        await other.flushall()
    assert verdict_on(each, result, MEMORY.name) is verdict


@pytest.mark.parametrize(
    ("filled", "verdict"),
    [(0, Verdict.OK), (101, Verdict.OBJECTIVE_MISSED)],
)
async def test_the_operators_objective_is_100_mb(
    redis: RedisServer, filled: int, verdict: Verdict
) -> None:
    each = check(redis.url())
    async with client(redis) as other:
        await fill(other, filled)
        result = await run_check(each, Context())
        await other.flushall()
    assert verdict_on(each, result, MEMORY.name) is verdict


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
    assert verdict_on(each, result, FILLED.name) in (Verdict.WARNING, Verdict.CRITICAL)


async def _fill_up(other: Any, piece: int) -> None:
    with suppress(OutOfMemoryError):
        for number in range(1000):
            await other.set(f"filling-{number}", b"x" * piece)
        raise AssertionError("it took everything")


@pytest.mark.parametrize("piece", [50_000, 700_000])
async def test_a_full_server_that_refuses_writes_is_critical_whatever_its_ratio(
    tmp_path: Path, piece: int
) -> None:
    server = RedisServer(tmp_path, options=("--maxmemory", "5mb"))
    each = check(server.url())
    try:
        async with client(server) as other:
            assert verdict_on(each, await run_check(each, Context()), WRITES) is Verdict.OK
            await _fill_up(other, piece)
            result = await run_check(each, Context())
    finally:
        server.stop()
    assert verdict_on(each, result, WRITES) is Verdict.CRITICAL
    assert judge([each], {each.name: result}, set()).verdict is Verdict.CRITICAL


async def test_writes_that_were_refused_between_two_runs_are_critical(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, options=("--maxmemory", "5mb"))
    each, context = check(server.url()), Context()
    try:
        async with client(server) as other:
            await run_check(each, context)
            await _fill_up(other, 50_000)
            await other.flushall()
            once = await run_check(each, context)
            again = await run_check(each, context)
    finally:
        server.stop()
    assert verdict_on(each, once, WRITES) is Verdict.CRITICAL
    assert verdict_on(each, again, WRITES) is Verdict.OK


async def test_a_server_that_evicts_or_has_no_limit_refuses_nothing(redis: RedisServer) -> None:
    assert "probe_redis_writes_refused" not in values(await look(redis.url()))
