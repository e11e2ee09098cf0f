"""``python -m tests.bench.hostile.measure``: the process that measures this or another checkout.

It needs nothing of the tests but ``tests.hostile.checks``, and of ``probe`` what is old.
"""

import asyncio
import contextlib
import json
import os
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Status
from probe.core.runner import run_check
from tests.hostile.checks import check_of

SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
"""Of the attack; the healthy page is measured for half as long before it and after it."""
PAUSE, HEALTHY_PAUSE = 0.03, 0.01
TICK = 0.002
DEADLINE = 3.0
MAX_MEMORY = 4 << 30


class Standstill:
    """The longest turn of the loop: seconds by the clock, and of its thread's CPU."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            wall, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK)
            self.wall = max(self.wall, time.monotonic() - wall - TICK)
            self.cpu = max(self.cpu, time.thread_time() - cpu)

    async def end(self) -> None:
        """Watch no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@dataclass
class Neighbour:
    """The healthy check: seconds of each run, and how many failed."""

    check: Check
    durations: list[float] = field(default_factory=list)
    failed: int = 0

    async def run(self, context: Context, seconds: float) -> None:
        """Run it again and again for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            result = await run_check(self.check, context)
            self.durations.append(time.monotonic() - began)
            self.failed += result.status is not Status.OK
            await asyncio.sleep(HEALTHY_PAUSE)

    def figures(self) -> dict[str, float]:
        """p50 and p95, in seconds."""
        p = statistics.quantiles(self.durations, n=20)
        return {"p50": p[9], "p95": p[18]}


async def measure(hostile: Check, healthy: Check) -> dict[str, object]:
    """Alone, next to the hostile one, alone again."""
    context, causes = Context(), set[str]()

    async def attack() -> None:
        while True:
            result = await run_check(hostile, context)
            causes.add(result.failure.cause.value if result.failure else "ok")
            await asyncio.sleep(PAUSE)

    await Neighbour(healthy).run(context, 0.3)
    alone, beside = Neighbour(healthy), Neighbour(healthy)
    await alone.run(context, SECONDS / 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    standing, attacking = Standstill(), asyncio.create_task(attack())
    await beside.run(context, SECONDS)
    await standing.end()
    attacking.cancel()
    await asyncio.gather(attacking, return_exceptions=True)
    await context.closing.drain(timeout=5)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await alone.run(context, SECONDS / 2)
    return {
        **{"alone": alone.figures(), "beside": beside.figures(), "failed": beside.failed},
        **{"stood": standing.wall, "cpu": standing.cpu, "runs": len(beside.durations)},
        **{"megabytes": (after - before) / 1024, "cause": ", ".join(sorted(causes))},
    }


def main(sort: str, hostile: int, ca_file: str, healthy: int) -> None:
    """Measure and print JSON. The memory is bounded, so that no old fault takes the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    check = check_of("hostile", sort, hostile, DEADLINE, Path(ca_file) if ca_file else None)
    print(json.dumps(asyncio.run(measure(check, check_of("healthy", "health", healthy)))))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
