"""A release that is watched for a day in virtual time, with faults that a test scripts."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from probe.config.gate_table import GateTable
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import (
    Aggregation,
    CheckFailed,
    FailurePolicy,
    Limits,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.gate.objectives import objectives_of
from probe.gate.progress import ProgressStore, WatchClocks, WatchProgress
from probe.gate.sources import OwnChecks
from probe.gate.watch import Watch, WatchListener
from probe.gate.window import GatePlan, WindowJudge
from probe.history.model import ResultRow
from probe.history.reading import HistoryFile
from probe.history.store import HistoryStore
from probe.history.write_queue import ChangeQueue, WriteQueue
from probe.report.gate.model import GateReport
from tests.clocks import Clock
from tests.fake_kind import ToyTable, toy_kind
from tests.virtual_time import run_virtually

START = 1_767_225_600.0  # 2026-01-01 00:00 UTC
HOUR, DAY = 3600.0, 86400.0
RESPONSE = Signal("probe_toy_response_seconds", Unit.SECONDS, "A response.", latency=True)
CPU = Signal("probe_toy_cpu_ratio", Unit.RATIO, "CPU in use.")
ERRORS = Signal("probe_toy_error_ratio", Unit.RATIO, "Requests that fail.")
MEMORY = Signal("probe_toy_memory_bytes", Unit.BYTES, "Memory in use.")
MAX_ERRORS = Threshold(ERRORS, Limits(objective=0.001), minimum_samples=20)


class Killed(BaseException):
    """The process is gone."""


class Trouble(Struct, frozen=True):
    """From ``start`` to ``end`` hours after the begin, these checks fail, or are slow."""

    start: float
    end: float
    checks: tuple[str, ...]
    cause: Cause = Cause.CONNECT_REFUSED
    seconds: float = 0.0
    kind: str = "fail"
    every: int = 1


@dataclass
class Release:
    """What is watched, and the machine on which the probe runs."""

    folder: Path
    troubles: Sequence[Trouble] = ()
    clock: Clock = field(default_factory=Clock)
    boot: str = "first"
    asleep: float = 0.0
    wall_offset: float = 0.0
    runs: dict[str, int] = field(default_factory=dict)
    killed_at: float | None = None
    sleeps_at: float | None = None
    interval: float = 60.0
    requests: float | None = None
    tables: Sequence[GateTable] = (GateTable(name="error-rate", limit=0.98),)

    def __post_init__(self) -> None:
        self.checks = self._checks()

    def now(self) -> float:
        """The wall clock."""
        return START + self.clock() + self.wall_offset

    def _checks(self) -> list[Check]:
        policy = FailurePolicy(Verdict.CRITICAL, hold=30.0)
        http = self._kind("http", policy, 0.999, (RESPONSE,), (_p95(RESPONSE, 0.5),))
        call = self._kind("call", policy, 0.95, (), ())
        machine = self._kind(
            "fly",
            FailurePolicy(Verdict.WARNING),
            0.99,
            (CPU, MEMORY, ERRORS),
            (
                Threshold(CPU, Limits(objective=0.5)),
                Threshold(MEMORY, Limits(objective=200e6)),
                *(() if self.requests is None else (MAX_ERRORS,)),
            ),
        )
        return [
            Check(http, ToyTable(name="health", interval=self.interval)),
            Check(http, ToyTable(name="frontend", interval=3 * self.interval)),
            Check(call, ToyTable(name="call-primary", interval=240.0)),
            Check(machine, ToyTable(name="machine", interval=600.0)),
        ]

    def _kind(
        self,
        name: str,
        failing: FailurePolicy,
        availability: float,
        signals: tuple[Signal, ...],
        thresholds: tuple[Threshold, ...],
    ) -> Any:
        return toy_kind(
            name=name,
            run=self._run,
            failing=failing,
            availability=availability,
            signals=signals,
            thresholds=thresholds,
            retry=10.0,
        )

    async def _run(self, table: ToyTable, record: Recorder, context: Context) -> None:
        run = self.runs[table.name] = self.runs.get(table.name, 0) + 1
        now = [each for each in self.troubles if self._holds(each, table.name)]
        slow = max((each.seconds for each in now), default=0.0)
        with record.phase("connect"):
            for each in now:
                if each.kind == "fail":
                    raise CheckFailed(each.cause, "nothing listens there")
        if table.name in ("health", "frontend"):
            record.sample(RESPONSE, 0.08 + 0.001 * (run % 20) + slow)
        if table.name == "machine":
            self._count_requests(record)
            record.sample(CPU, 0.2 + slow)
            record.sample(MEMORY, 150e6)

    def _count_requests(self, record: Recorder) -> None:
        """What the target's own metrics say: a busy day, and one of ten requests fails at night."""
        if self.requests is None:
            return
        hour = int(self.clock() / HOUR) % 24
        share, number = (0.1, 10.0) if hour < 6 else (0.0005, self.requests)
        record.sample_ratio(ERRORS, share, number)

    def _holds(self, trouble: Trouble, name: str) -> bool:
        hours = self.clock() / HOUR
        named = name in trouble.checks and trouble.start <= hours < trouble.end
        return named and int(self.clock() / 240) % trouble.every == 0

    @property
    def plan(self) -> GatePlan:
        """What is judged."""
        return GatePlan(self.checks, objectives_of(self.checks, self.tables), "lax", "1.0")

    def clocks(self) -> WatchClocks:
        """The machine's clocks; ``asleep`` seconds are in the boot clock alone."""
        return WatchClocks(
            now=self.now,
            boot=lambda: self.clock() + 1000,
            monotonic=lambda: self.clock() - self.asleep,
            boot_id=lambda: self.boot,
        )

    def watch(self, seconds: float = DAY, *, fail_fast: bool = False) -> GateReport:
        """Watch in a process of its own until the end. Raises Killed."""
        store = HistoryStore(self.folder, None, self.now, WriteQueue(20_000), ChangeQueue(1000))
        store.open()
        try:
            return run_virtually(self._watch(seconds, _Sink(store), fail_fast), self.clock)
        finally:
            store.close()

    async def _watch(self, seconds: float, sink: "_Sink", fail_fast: bool) -> GateReport:
        progress_store, history = (
            ProgressStore(self.folder, self.clocks()),
            HistoryFile(self.folder),
        )
        stored = progress_store.load()
        progress = stored or progress_store.begin(seconds, history.newest_id())
        if stored is not None:
            progress_store.resume(progress)
        context = Context(clock=self.clock, now=self.now, repeats=True)
        source = OwnChecks(self.checks, context, sink)
        judge = WindowJudge(self.plan, progress.started_at, progress.planned, sequential=fail_fast)
        watch = Watch(
            judge,
            source,
            progress_store,
            progress,
            self.clocks(),
            WatchListener(),
            fail_fast,
            sleep=self._sleep,
        )
        if stored is not None:
            watch.replay([row for _, row in history.after(progress.first_id)])
        return await watch.run()

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.killed_at is not None and self.clock() >= self.killed_at:
            self.killed_at = None
            raise Killed
        if self.sleeps_at is not None and self.clock() >= self.sleeps_at:
            self.sleeps_at = None
            self.asleep += HOUR / 2
            self.clock.pass_(HOUR / 2)

    def progress(self) -> WatchProgress:
        """What is stored of the watch."""
        found = ProgressStore(self.folder, self.clocks()).load()
        assert found is not None
        return found


class _Sink:
    """Writes each row at once, as the thread of the history does soon."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    def add(self, entry: ResultRow) -> None:
        self._store._waiting.add(entry)
        if len(self._store._waiting) >= 50:
            self._store.write()


def _p95(signal: Signal, limit: float) -> Threshold:
    limits = Limits(objective=limit)
    return Threshold(signal, limits, Aggregation.P95, window=300.0, minimum_samples=20)


def survive(release: Release, seconds: float = DAY) -> None:
    """Watch until the process is killed."""
    with suppress(Killed):
        release.watch(seconds)
