"""A backend whose metrics are read once a minute."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from alerts.evaluation.verdict import evaluate
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Verdict
from probe.core.runner import run_check
from probe.core.thresholds import thresholds_of
from probe.kinds.app_metrics import KIND, AppTable
from probe.lab.backend import LabBackend
from tests.clocks import Clock

OK, MISSED = Verdict.OK, Verdict.OBJECTIVE_MISSED


WARNING, CRITICAL, UNKNOWN = Verdict.WARNING, Verdict.CRITICAL, Verdict.UNKNOWN


def app(url: str, **table: Any) -> Check:
    keys = {"name": "app-metrics", "url": url, "deadline": 5.0}
    return Check(KIND, AppTable.model_validate({**keys, **table}))


class Watched:
    """A backend that is looked at once a minute."""

    def __init__(self, backend: LabBackend, clock: Clock) -> None:
        self.backend, self.clock = backend, clock
        self.context = Context(clock=clock)
        self.check = app(f"{backend.url}/metrics")

    async def look(self, *, after: float = 60.0) -> Result:
        self.clock.pass_(after)
        return await run_check(self.check, self.context, deadline=5.0)

    async def looks(self, minutes: int) -> Result:
        for _ in range(minutes):
            result = await self.look()
        return result

    def verdict(self, result: Result, signal: str) -> Verdict:
        (threshold,) = [each for each in thresholds_of(self.check) if each.signal.name == signal]
        (found,) = evaluate("app-metrics", threshold, result.samples)
        return found.verdict


@asynccontextmanager
async def watched(clock: Clock) -> AsyncIterator[Watched]:
    backend = LabBackend(jwt_secret="x" * 32, turn_secret="y" * 32, clock=clock)
    backend.knobs.limits = False
    await backend.start()
    try:
        yield Watched(backend, clock)
    finally:
        await backend.stop()
