"""Shorthands of the http check's tests: look at an address, and at what came out."""

from typing import Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Failure, Result
from probe.core.runner import preload, run_check
from probe.kinds.http import KIND, HttpTable
from tests.servers.pages import Behaviour, Pages

HEALTHY = {
    "status": "ok",
    "version": "1.4.2",
    "services": {"postgres": "up", "redis": "up", "pubsub": "up"},
    "instance": {"id": "e784"},
}
DEGRADED = {**HEALTHY, "status": "degraded"}
READY = {"status": "ready", "services": {"postgres": True, "redis": True}}
HANGS = 0.3


async def look(url: str, **table: Any) -> Result:
    table = {"name": "page", "deadline": 5.0, **table}
    check = Check(KIND, HttpTable.model_validate({**table, "url": url}))
    preload([check])
    return await run_check(check, Context())


async def look_at(behaviour: Behaviour, **table: Any) -> Result:
    async with Pages(behaviour) as pages:
        return await look(pages.url, **table)


def failure(result: Result) -> Failure:
    assert result.failure is not None
    return result.failure


def ending(result: Result) -> tuple[str, Cause]:
    return failure(result).phase, failure(result).cause


def values(result: Result) -> dict[str, float]:
    return {
        "/".join([sample.signal.name, *sample.labels.values()]): sample.value
        for sample in result.samples
    }
