"""Checks of one run don't wait for each other."""

from probe.core.context import Context
from probe.core.runner import run_checks
from tests.clocks import Clock
from tests.fake_kind import toy
from tests.virtual_time import run_virtually


def test_checks_run_at_the_same_time_and_report_as_they_end() -> None:
    clock = Clock()
    checks = [toy("slow", seconds=3.0), toy("quick"), toy("hangs", does="hang", deadline=1.0)]

    async def run() -> list[tuple[str, float]]:
        results = run_checks(checks, Context(clock=clock))
        return [(result.check, clock()) async for result in results]

    ended = run_virtually(run(), clock)
    assert ended == [("quick", 0.0), ("hangs", 1.0), ("slow", 3.0)]
