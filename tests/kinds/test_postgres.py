"""The postgres check against PostgreSQL 15, with and without TLS, pushed to its limits."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from alerts.evaluate import judge
from probe.causes import Cause
from probe.context import Context
from probe.kind import Check
from probe.kinds.postgres import KIND, SHARE, STORAGE, PostgresTable
from probe.model import Result, Status, Verdict
from probe.runner import run_check
from tests.kinds.looking import ending, failure, values
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PASSWORD, Postgres

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


def check(url: str, **table: Any) -> Check:
    given = {"name": "postgres", "url": url, **table}
    return Check(KIND, PostgresTable.model_validate(given))


async def look(url: str, **table: Any) -> Result:
    return await run_check(check(url, **table), Context())


@asynccontextmanager
async def clients(postgres: Postgres, count: int) -> AsyncIterator[list[Any]]:
    """So many connections beside the probe's."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(await asyncpg.connect(postgres.url(), ssl="require"))
            stack.push_async_callback(found[-1].close)
        yield found


async def test_it_says_how_full_the_server_is(postgres: Postgres) -> None:
    async with clients(postgres, 3) as others:
        transaction = others[0].transaction()
        await transaction.start()
        await others[0].fetchval("SELECT 1")
        result = await look(postgres.url())
        await transaction.rollback()
    assert result.failure is None
    found = values(result)
    assert found["probe_postgres_connections"] == 4
    assert found["probe_postgres_connections_maximum"] == 20
    assert found["probe_postgres_connections_ratio"] == 4 / 20
    assert 5e6 < found["probe_postgres_database_bytes"] < 1e8
    assert found["probe_postgres_storage_ratio"] == found["probe_postgres_database_bytes"] / 5e8
    assert found["probe_postgres_oldest_transaction_seconds"] > 0
    assert found["probe_postgres_sessions/in_transaction"] == 1
    assert found["probe_postgres_sessions/active"] == 1
    assert found["probe_postgres_sessions/idle"] == 2
    assert found["probe_postgres_sessions/hidden"] == 0
    assert list(result.phases) == ["connect", "query"]
    assert result.facts["version"].startswith("15.")


async def test_it_leaves_no_connection_behind(postgres: Postgres) -> None:
    for _ in range(3):
        await look(postgres.url())
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probe'"
    async with clients(postgres, 1) as (other,), asyncio.timeout(20):
        while await other.fetchval(ours):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_pooler_in_between_gets_its_connection_back_as_it_was(postgres: Postgres) -> None:
    pooler = PgBouncer(postgres)
    try:
        first, second = await look(pooler.url), await look(pooler.url)
        other = await asyncpg.connect(pooler.url, statement_cache_size=0)
        left_over = await other.fetchval("SHOW statement_timeout")
        await other.close()
    finally:
        pooler.close()
    assert first.failure is second.failure is None
    assert values(second)["probe_postgres_connections_maximum"] == 20
    assert left_over == "0"


async def test_a_user_without_rights_sees_all_connections_and_says_what_is_hidden(
    postgres: Postgres,
) -> None:
    async with clients(postgres, 2) as (owner, _):
        await owner.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-pass'")
        try:
            result = await look(postgres.url(user="guest", password="guest-pass"))
        finally:
            await owner.execute("DROP ROLE guest")
    assert values(result)["probe_postgres_connections"] == 3
    assert values(result)["probe_postgres_sessions/hidden"] == 2


@pytest.mark.parametrize(
    ("others", "verdict"),
    [(0, Verdict.OK), (2, Verdict.OBJECTIVE_MISSED), (6, Verdict.WARNING), (10, Verdict.CRITICAL)],
)
async def test_connections_move_through_the_limits(
    postgres: Postgres, others: int, verdict: Verdict
) -> None:
    """One and two of 20 are within a tenth."""
    limits = {SHARE.name: {"objective": 0.1, "warning": 0.25, "critical": 0.5}}
    each = check(postgres.url(), thresholds=limits)
    async with clients(postgres, others):
        result = await run_check(each, Context())
    assert _verdict(each, result, SHARE.name) is verdict


async def test_by_default_a_missed_objective_disturbs_nobody(postgres: Postgres) -> None:
    each = check(postgres.url())
    async with clients(postgres, 10):
        result = await run_check(each, Context())
    assert _verdict(each, result, SHARE.name) is Verdict.OBJECTIVE_MISSED
    assert judge([each], {each.name: result}, set()).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [(10**9, Verdict.OK), (1.05, Verdict.WARNING), (0.9, Verdict.CRITICAL)],
)
async def test_storage_is_held_against_the_plan(
    postgres: Postgres, allowed: float, verdict: Verdict
) -> None:
    size = values(await look(postgres.url()))["probe_postgres_database_bytes"]
    each = check(postgres.url(), plan_bytes=int(size * allowed) if allowed < 2 else allowed)
    assert _verdict(each, await run_check(each, Context()), STORAGE.name) is verdict


async def test_a_server_without_a_connection_left_has_reached_its_limit(
    postgres: Postgres,
) -> None:
    async with clients(postgres, 20):
        result = await look(postgres.url())
    assert result.status is Status.FAILED
    assert ending(result) == ("connect", Cause.QUOTA_EXCEEDED)


async def test_a_server_that_is_gone_leaves_every_limit_without_data() -> None:
    server = Postgres()
    each = check(server.url())
    try:
        assert _verdict(each, await run_check(each, Context()), SHARE.name) is Verdict.OK
        server.stop()
        result = await run_check(each, Context())
    finally:
        server.close()
    assert ending(result) == ("connect", Cause.CONNECT_REFUSED)
    assert _verdict(each, result, SHARE.name) is Verdict.UNKNOWN
    assert _verdict(each, result, STORAGE.name) is Verdict.UNKNOWN
    assert judge([each], {each.name: result}, set()).verdict is Verdict.WARNING


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full", "prefer", "disable"])
async def test_every_ssl_mode_gets_its_connection(postgres: Postgres, mode: str) -> None:
    result = await look(postgres.url(f"?sslmode={mode}"), ca_file=postgres.ca_file)
    assert result.failure is None


async def test_verify_full_refuses_an_unknown_authority(postgres: Postgres) -> None:
    for mode in ("verify-ca", "verify-full"):
        assert ending(await look(postgres.url(f"?sslmode={mode}")))[1] is Cause.TLS_INVALID


async def test_require_does_not_go_on_in_the_clear() -> None:
    server = Postgres(tls=False)
    try:
        asked = await look(server.url("?sslmode=require"))
        preferred = await look(server.url("?sslmode=prefer"))
    finally:
        server.close()
    assert ending(asked) == ("connect", Cause.TLS_FAILED)
    assert preferred.failure is None


async def test_a_wrong_password_is_no_outage_and_is_shown_nowhere(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-but-secret"
    result = await look(postgres.url(password=wrong))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("connect", Cause.AUTH_REJECTED)
    assert wrong not in f"{result}{caplog.text}"


@pytest.mark.parametrize("options", ["?sslmode=require", "?sslmode=verify-full"])
async def test_no_secret_is_in_a_traceback_of_a_failed_connection(
    postgres: Postgres, options: str
) -> None:
    """Not in what is raised, nor in what that was made of."""
    from probe.kinds.postgres import run
    from probe.model import Stop
    from probe.record import Record

    table = check(postgres.url(options, database="nothing-there")).table
    with pytest.raises(Stop) as caught:
        await run(PostgresTable.model_validate(table), Record(), Context())
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__suppress_context__
    while error is not None:
        assert PASSWORD not in f"{error!r}{vars(error)}"
        error = error.__cause__ or error.__context__


async def test_a_database_that_is_not_there_can_not_be_looked_at(postgres: Postgres) -> None:
    result = await look(postgres.url(database="nothing-there"))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("connect", Cause.PROTOCOL_ERROR)


async def test_a_question_that_hangs_ends_on_the_server_too(postgres: Postgres) -> None:
    async with clients(postgres, 1) as (other,), other.transaction():
        # Whoever holds the catalogue keeps pg_database_size waiting.
        await other.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
        result = await look(postgres.url(), statement_timeout=0.2)
    assert result.status is Status.FAILED
    assert failure(result).cause is Cause.DEADLINE


async def test_a_run_that_is_cut_off_while_it_waits_leaves_nothing_behind(
    postgres: Postgres,
) -> None:
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probe'"
    async with clients(postgres, 1) as (other,):
        async with other.transaction():
            await other.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
            result = await look(postgres.url(), deadline=0.5)
        assert failure(result).cause is Cause.DEADLINE
        async with asyncio.timeout(20):
            while await other.fetchval(ours):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_what_is_no_database_is_said_to_be_none() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for mode in ("disable", "require"):
            result = await look(f"postgresql://u:p@127.0.0.1:{port}/d?sslmode={mode}", deadline=3)
            assert result.status is Status.FAILED
            assert failure(result).cause in (
                Cause.PROTOCOL_ERROR,
                Cause.TLS_FAILED,
                Cause.CONNECTION_CLOSED,
            )


async def test_a_server_that_says_nothing_meets_the_deadline() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        result = await look(f"postgresql://u:p@127.0.0.1:{port}/d", deadline=0.3)
    assert ending(result) == ("connect", Cause.DEADLINE)


async def test_a_name_that_does_not_resolve_says_so() -> None:
    result = await look("postgresql://u:p@nowhere.invalid/d")
    assert failure(result).cause in (Cause.DNS_FAILED, Cause.OWN_NETWORK)


@pytest.mark.parametrize(
    ("host", "plans"),
    [
        ("ep-cool-sun-1.us-west-2.aws.neon.tech", [("neon", 300.0, True)]),
        ("db.example.org", []),
        ("127.0.0.1", []),
    ],
)
def test_only_what_runs_at_neon_uses_neons_hours(host: str, plans: list[object]) -> None:
    table = PostgresTable(name="postgres", url=SecretStr(f"postgresql://u:p@{host}/db"))
    assert [(use.plan, use.amount, use.lingers) for use in KIND.uses(table)] == plans


def _verdict(each: Check, result: Result, signal: str) -> Verdict:
    found = judge([each], {each.name: result}, set()).evaluations
    return next(one.verdict for one in found if one.threshold.signal.name == signal)
