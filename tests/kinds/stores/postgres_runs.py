"""Shorthands of the postgres check's tests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from alerts.evaluation.verdict import judge
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Verdict
from probe.core.runner import run_check
from probe.kinds.postgres import KIND, PostgresTable
from tests.servers.postgres import Postgres


def check(url: str, **table: Any) -> Check:
    given = {"name": "postgres", "url": url, **table}
    return Check(KIND, PostgresTable.model_validate(given))


async def look(url: str, **table: Any) -> Result:
    return await run_check(check(url, **table), Context())


@asynccontextmanager
async def clients(postgres: Postgres, count: int) -> AsyncIterator[list[Any]]:
    """So many connections besides the probe's."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(await asyncpg.connect(postgres.url(), ssl="require"))
            stack.push_async_callback(found[-1].close)
        yield found


def verdict_on(each: Check, result: Result, signal: str) -> Verdict:
    found = judge([each], {each.name: result}, set()).evaluations
    return next(one.verdict for one in found if one.threshold.signal.name == signal)
