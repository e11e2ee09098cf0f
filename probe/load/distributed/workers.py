"""A load in several processes: each has a share of the plan and reports to this one.

A worker is a process that reads one JSON line (its share), says that it is ready, begins when
it is sent ``go``, and writes its statistics every other second and at its end, a JSON line
each. One that is killed counts with what it had reported until then.
"""

import asyncio
import json
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import DRAIN_SECONDS, LoadPlan

START, STOP = b"go\n", b"stop\n"
READY_SECONDS = 120.0
STOP_SECONDS = 15.0
_MAX_LINE = 1 << 24


class WorkersFailed(Exception):
    """No worker could begin; says why."""


@dataclass
class Worker:
    """One process; ``statistics`` is the last document that it has sent."""

    number: int
    process: asyncio.subprocess.Process
    statistics: Mapping[str, Any] | None = None
    finished: bool = False
    problem: str = ""

    async def send(self, data: bytes) -> None:
        """Send a word; a worker that is gone gets none."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(data)
            await self.process.stdin.drain()

    async def message(self) -> Mapping[str, Any] | None:
        """Its next message; None where it has ended or sends what is none."""
        assert self.process.stdout is not None
        try:
            line = await self.process.stdout.readline()
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@dataclass
class WorkerPool:
    """All workers of a load. ``run`` first; ``stop`` ends them early."""

    command: Sequence[str]
    environment: Mapping[str, str]
    workers: list[Worker] = field(default_factory=list)
    stopping: bool = False

    async def run(self, shares: Sequence[Mapping[str, Any]], plan: LoadPlan) -> None:
        """Start a worker for each share and wait until all have ended. Raises WorkersFailed."""
        try:
            for number, share in enumerate(shares, start=1):
                self.workers.append(await self._start(number, share))
            await self._begin()
            limit = plan.duration + DRAIN_SECONDS + STOP_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await asyncio.gather(*map(self._follow, self.workers))
        finally:
            await self._end()

    async def stop(self) -> None:
        """Have all workers end with what they have."""
        self.stopping = True
        await asyncio.gather(*(worker.send(STOP) for worker in self.workers))

    def statistics(self, plan: LoadPlan) -> LoadStatistics:
        """All that was reported until now, merged."""
        whole = LoadStatistics(plan)
        for worker in self.workers:
            if worker.statistics is not None:
                whole.add(worker.statistics)
        return whole

    @property
    def lost(self) -> tuple[str, ...]:
        """Workers that did not report to the end, each with what became of it."""
        return tuple(worker.problem for worker in self.workers if worker.problem)

    async def _start(self, number: int, share: Mapping[str, Any]) -> Worker:
        process = await asyncio.create_subprocess_exec(
            *self.command,
            env=dict(self.environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_MAX_LINE,
            # Ctrl-C in a terminal is for this process, which stops its workers itself.
            start_new_session=True,
        )
        worker = Worker(number, process)
        await worker.send(json.dumps(share).encode() + b"\n")
        return worker

    async def _begin(self) -> None:
        """Wait until all are ready, so that none waits for another's imports, then begin."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*map(self._until_ready, self.workers))
        except TimeoutError:
            raise WorkersFailed(f"a worker is not ready after {READY_SECONDS:g} s") from None
        if all(worker.problem for worker in self.workers):
            raise WorkersFailed(self.workers[0].problem)
        await asyncio.gather(*(worker.send(START) for worker in self.workers))

    async def _until_ready(self, worker: Worker) -> None:
        message = await worker.message()
        if message is None or "ready" not in message:
            error = (message or {}).get("error")
            worker.problem = str(error) if error else await _ending(worker)

    async def _follow(self, worker: Worker) -> None:
        while not worker.problem and (message := await worker.message()) is not None:
            found = message.get("statistics")
            worker.statistics = found or worker.statistics
            if message.get("final"):
                worker.finished = True
                return
        if not worker.problem:
            worker.problem = await _ending(worker)

    async def _end(self) -> None:
        for worker in self.workers:
            assert worker.process.stdin is not None
            worker.process.stdin.close()  # a worker ends when this process does
        waiting = [asyncio.create_task(worker.process.wait()) for worker in self.workers]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_SECONDS)
        for worker, task in zip(self.workers, waiting, strict=True):
            if not task.done():
                worker.process.kill()
                worker.problem = worker.problem or f"worker {worker.number} did not end: killed"
        if waiting:
            await asyncio.wait(waiting)


async def _ending(worker: Worker) -> str:
    """Why a worker ended before its last report."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await worker.process.wait()
    code = worker.process.returncode
    how = f"ended with exit code {code}"
    if code is not None and code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    counted = "what it had reported is counted" if worker.statistics else "none of it is counted"
    return f"worker {worker.number} {how}: {counted}"
