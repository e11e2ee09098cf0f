"""The heartbeat of a day with a start every three hours: it is never missing.

Schedule, rounds and heart are the daemon's own; the checks are those of a whole
configuration, each of which takes as long as it may. Time is virtual.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest

from alerts.evaluation.own_network import References
from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.daemon.heartbeat_loop import HeartbeatLoop
from probe.daemon.readiness import Readiness
from probe.daemon.schedule import FIRST_ROUND_SECONDS, Schedule, stagger
from probe.diagnostics.heartbeat import Heartbeat
from probe.kinds import KINDS
from probe.report.text.check_list import CheckRow
from tests.clocks import Clock
from tests.fake_kind import toy
from tests.virtual_time import run_virtually

HOUR = 3600.0
BEAT_SECONDS = 60.0
# The first round, and what a check that is cut off may take beyond it.
START_SECONDS = FIRST_ROUND_SECONDS + 2.0
VARIABLES = {
    "BACKEND_URL": "https://app.example",
    "FRONTEND_URL": "https://app.example",
    "TURN_URLS": "turn:a.example,turn:a.example?transport=tcp,turns:a.example",
    "TURN_USERNAME": "u",
    "TURN_PASSWORD": "p",
    "REDIS_URL": "redis://default:secret@cache.example:6379",
    "DATABASE_URL": "postgres://u:p@db.example/app?sslmode=require",
    "METERED_APP": "app",
    "METERED_API_KEY": "key",
    "METERED_SECRET_KEY": "key",
}


class _Beats(Heartbeat):
    """Notes when it would call."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("http://switch.example/")
        self._clock, self.at = clock, list[float]()

    async def beat(self) -> None:
        self.at.append(self._clock())


class _Process:
    """One start of a daemon: what of it decides on the heartbeat."""

    def __init__(self, checks: Sequence[Check], clock: Clock, beats: _Beats) -> None:
        self.checks = {check.name: check for check in checks}
        self.clock = clock
        self.rounds = Readiness(clock)
        self.schedule = Schedule(self._run, clock=clock)
        deadlines = {check.name: check.table.deadline for check in checks}
        timings = stagger([(check.name, check.interval) for check in checks], deadlines)
        self.timings = {timing.name: timing for timing in timings}
        self.heart = HeartbeatLoop(beats, self.rounds, References(), "lax", clock, BEAT_SECONDS)
        self.complete = asyncio.Event()
        self.hanging: set[str] = set()
        self.runs: dict[str, list[float]] = {}

    async def run(self, seconds: float) -> None:
        self.rounds.set_checks(list(self.checks.values()))
        self.schedule.start()
        for timing in self.timings.values():
            self.schedule.add(timing)
        await self.complete.wait()
        beating = asyncio.create_task(self.heart.beat())
        await asyncio.sleep(seconds)
        beating.cancel()
        await asyncio.wait({beating})
        await self.schedule.stop()

    async def _run(self, name: str) -> None:
        self.runs.setdefault(name, []).append(self.clock())
        if name in self.hanging:
            await asyncio.Event().wait()
        check, timing = self.checks[name], self.timings[name]
        first = self.rounds.is_first(name)
        await asyncio.sleep(timing.deadline(check.table.deadline, opening=first))
        self.rounds.done(name, self.clock())
        if not self.rounds.pending:
            self.complete.set()


def plan_of(variables: Mapping[str, str]) -> Sequence[Check]:
    return [
        check for check in make_plan(KINDS, Variables(variables), {}).checks if check.is_regular
    ]


def beats_of(hours: float, starts_every: float) -> list[float]:
    clock = Clock(1000.0)
    beats = _Beats(clock)

    async def day() -> None:
        for _ in range(round(hours / starts_every)):
            await _Process(plan_of(VARIABLES), clock, beats).run(starts_every * HOUR)

    run_virtually(day(), clock)
    return beats.at


def assert_none_is_missing(beats: Sequence[float], starts: int) -> None:
    gaps = sorted((later - earlier for earlier, later in pairwise(beats)), reverse=True)
    assert all(gap <= BEAT_SECONDS + START_SECONDS for gap in gaps[: starts - 1])
    assert all(gap <= BEAT_SECONDS + 0.01 for gap in gaps[starts - 1 :])


def test_no_heartbeat_is_missing_after_a_start() -> None:
    beats = beats_of(2.0, 1.0)
    assert len(beats) > 100
    assert_none_is_missing(beats, 2)


@pytest.mark.proof
def test_no_heartbeat_is_missing_in_a_day_with_a_start_every_three_hours() -> None:
    beats = beats_of(24.0, 3.0)
    assert len(beats) > 24 * 55
    assert_none_is_missing(beats, 8)


def test_every_check_is_seen_within_what_the_list_says_from_its_first_run_on() -> None:
    clock = Clock(1000.0)
    process = _Process(plan_of(VARIABLES), clock, _Beats(clock))
    run_virtually(process.run(2.2 * HOUR), clock)
    for name, turns in process.runs.items():
        check = process.checks[name]
        line = CheckRow(name, "", "", check.interval, check.table.deadline, None, None, 0, ())
        for before, after in pairwise(turns):
            assert after + check.table.deadline - before <= line.seen_within + 0.01, name


def test_a_check_that_hangs_stops_the_heartbeat_and_its_end_lets_it_go_on_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock(1000.0)
    beats = _Beats(clock)
    process = _Process([toy("a", interval=60, deadline=5), toy("b", interval=60)], clock, beats)

    async def scene() -> None:
        running = asyncio.create_task(process.run(1200.0))
        await asyncio.sleep(200.0)
        process.hanging.add("a")
        await asyncio.sleep(400.0)
        assert clock() - beats.at[-1] > 250.0
        process.rounds.done("a", clock())
        ended = clock()
        await asyncio.sleep(6.0)
        assert beats.at[-1] >= ended
        running.cancel()
        await asyncio.wait({running})
        await process.schedule.stop()

    with caplog.at_level(logging.ERROR):
        run_virtually(scene(), clock)
    assert caplog.text.count("checks are overdue: no heartbeat") == 1


def test_checks_that_a_reload_brings_have_the_time_of_a_first_round() -> None:
    clock = Clock(0.0)
    rounds = Readiness(clock)
    rounds.set_checks([toy("old", interval=600)])
    rounds.done("old", 0.0)
    clock.pass_(50.0)
    rounds.set_checks([toy("old", interval=600), toy("new", interval=60)])
    assert rounds.pending == ["new"]
    assert rounds.overdue(50.0 + FIRST_ROUND_SECONDS) == []
    assert rounds.overdue(50.0 + 2 * FIRST_ROUND_SECONDS) == ["new"]
