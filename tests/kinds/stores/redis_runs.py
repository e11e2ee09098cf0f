"""Shorthands of the redis check's tests."""

from typing import Any

from redis.asyncio import Redis

from alerts.evaluation.verdict import judge
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Verdict
from probe.core.runner import run_check
from probe.kinds.redis import (
    KIND,
    RedisTable,
)
from tests.servers.redis import PASSWORD, RedisServer


def check(url: str, **table: Any) -> Check:
    return Check(KIND, RedisTable.model_validate({"name": "redis", "url": url, **table}))


async def look(url: str, **table: Any) -> Result:
    return await run_check(check(url, **table), Context())


def client(server: RedisServer) -> "Redis":
    return Redis(host="127.0.0.1", port=server.port, password=PASSWORD)


async def fill(other: "Redis", megabytes: int) -> None:
    """Piece by piece: what a client sends at once counts as memory too."""
    for number in range(megabytes):
        await other.set(f"filling-{number}", b"x" * 1_000_000)


def verdict_on(each: Check, result: Result, signal: str) -> Verdict:
    found = judge([each], {each.name: result}, set()).evaluations
    return next(one.verdict for one in found if one.threshold.signal.name == signal)
