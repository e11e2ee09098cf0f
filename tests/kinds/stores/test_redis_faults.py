"""The redis check when Redis is gone, refuses, is full or is none."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.evaluation.verdict import judge
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, Result, Status, Verdict
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from probe.kinds.redis import (
    DAILY,
    DAILY_SHARE,
    FILLED,
    KIND,
    MEMORY,
    RedisTable,
    run,
)
from tests.clocks import Clock
from tests.kinds.http_helpers import ending, failure, values
from tests.kinds.stores.redis_runs import check, client, look, verdict_on
from tests.servers.redis import PASSWORD, RedisServer

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


async def test_a_server_without_room_for_a_client_has_reached_its_limit(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, options=("--maxclients", "2"))
    try:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                other = await stack.enter_async_context(client(server))
                await other.config_get("maxclients")
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
    assert verdict_on(each, await run_check(each, Context()), MEMORY.name) is Verdict.OK
    server.stop()
    result = await run_check(each, Context())
    assert ending(result) == ("connect", Cause.CONNECT_REFUSED)
    assert verdict_on(each, result, MEMORY.name) is Verdict.UNKNOWN
    assert verdict_on(each, result, FILLED.name) is Verdict.UNKNOWN
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
    with pytest.raises(CheckAborted) as caught:
        await run(RedisTable.model_validate(table), Recorder(), Context())
    error: BaseException | None = caught.value
    assert caught.value.__suppress_context__
    while error is not None:
        assert PASSWORD not in f"{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_commands_of_a_day_are_distinguished_from_what_the_server_counts(
    redis: RedisServer,
) -> None:
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
    assert verdict_on(each, second, DAILY_SHARE.name) is Verdict.WARNING


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
    assert [(use.plan, use.amount, use.shared_window) for use in KIND.uses(table)] == plans
    assert table.daily_commands == (10_000 if plans else None)
