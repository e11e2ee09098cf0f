"""The postgres check against PostgreSQL 15, with and without TLS, pushed to its limits."""

import asyncio

import asyncpg
import pytest

from alerts.evaluation.verdict import judge
from probe.core.context import Context
from probe.core.model import Verdict
from probe.core.runner import run_check
from probe.kinds.postgres import SHARE, STORAGE
from tests.kinds.http_helpers import values
from tests.kinds.stores.postgres_runs import check, clients, look, verdict_on
from tests.servers.middleboxes.pgbouncer import PgBouncer
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.parts, pytest.mark.usefixtures("leaks")]


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
    assert verdict_on(each, result, SHARE.name) is verdict


async def test_by_default_a_missed_objective_disturbs_no_one(postgres: Postgres) -> None:
    each = check(postgres.url())
    async with clients(postgres, 10):
        result = await run_check(each, Context())
    assert verdict_on(each, result, SHARE.name) is Verdict.OBJECTIVE_MISSED
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
    assert verdict_on(each, await run_check(each, Context()), STORAGE.name) is verdict
