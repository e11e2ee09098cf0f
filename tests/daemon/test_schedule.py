"""Checks keep their rhythm whatever happens to the clocks, to others and to themselves."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from probe.daemon.schedule import (
    FIRST_ROUND_SECONDS,
    OPENING_SECONDS,
    CheckTiming,
    Schedule,
    stagger,
)
from tests.clocks import Clock, settle

EVERY_TEN = CheckTiming("a", interval=10.0, first=0.0, phase=4.0)


class Runner:
    """Writes down when each check ran; a check in ``held`` runs until it is let go."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.turns: dict[str, list[float]] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.cancelled: list[str] = []
        self.broken: set[str] = set()

    async def __call__(self, name: str) -> None:
        self.turns.setdefault(name, []).append(self.clock())
        if name in self.broken:
            raise RuntimeError("broken")
        try:
            if name in self.held:
                await self.held[name].wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise


class Stage:
    """A schedule on a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = Clock(1000.0)
        self.run = Runner(self.clock)
        self.late: list[float] = []
        self.schedule = Schedule(self.run, clock=self.clock, on_lateness=self.late.append)

    async def pass_(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass in steps, and everything happen that is due."""
        for _ in range(round(seconds / step)):
            self.clock.pass_(step)
            await self.wake()

    async def wake(self) -> None:
        """Have the schedule look at the clock."""
        self.schedule.wake()
        await settle()

    def gone(self, name: str) -> list[float]:
        """When a check ran, from the start."""
        return [turn - 1000.0 for turn in self.run.turns.get(name, [])]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    stage.schedule.start()
    yield stage
    for event in stage.run.held.values():
        event.set()
    await stage.schedule.stop()


async def test_a_check_runs_at_once_and_then_at_its_rate(stage: Stage) -> None:
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.pass_(40)
    assert stage.gone("a") == [0.0, 4.0, 14.0, 24.0, 34.0]


async def test_a_day_of_turns_does_not_drift(stage: Stage) -> None:
    stage.schedule.add(CheckTiming("a", interval=7.7, first=0.0, phase=3.3))
    await stage.wake()
    for turn in range(11_220):
        stage.clock.seconds = 1000.0 + 3.3 + turn * 7.7 + 0.001
        await stage.wake()
    assert len(stage.run.turns["a"]) == 1 + 11_220
    assert stage.schedule.missed["a"] == stage.schedule.skipped["a"] == 0
    assert stage.gone("a")[-1] == pytest.approx(3.3 + 11_219 * 7.7, abs=0.01)


def test_the_first_runs_begin_within_the_opening() -> None:
    timings = stagger([(f"c{number}", 10.0) for number in range(1000)])
    assert max(timing.first for timing in timings) < OPENING_SECONDS
    assert {timing.first for timing in timings[:2]} == {0.0, OPENING_SECONDS / 1000}


def test_checks_of_one_interval_are_spread_evenly_over_it() -> None:
    timings = stagger([("a", 300.0), ("x", 10.0), ("b", 300.0), ("c", 300.0)])
    phases = sorted(timing.phase - timing.first for timing in timings if timing.interval == 300)
    assert [late - early for early, late in pairwise(phases)] == [75.0, 75.0]


@pytest.mark.parametrize("count", [1, 7, 20, 400])
def test_the_second_run_comes_at_most_an_interval_after_the_first(count: int) -> None:
    for timing in stagger([(f"c{number}", 60.0) for number in range(count)]):
        assert 15.0 <= timing.phase - timing.first <= 60.0


@pytest.mark.parametrize("deadline", [8.0, 30.0])
def test_the_second_run_never_meets_a_first_one_that_takes_all_its_time(deadline: float) -> None:
    names = [f"c{number}" for number in range(5)]
    for timing in stagger([(name, 10.0) for name in names], dict.fromkeys(names, deadline)):
        longest = timing.deadline(deadline, opening=True)
        assert longest <= timing.phase - timing.first <= 10.0


def test_every_first_run_is_cut_off_within_the_first_round() -> None:
    for timing in stagger([(f"c{number}", 900.0) for number in range(50)]):
        assert timing.first + timing.deadline(30.0, opening=True) < FIRST_ROUND_SECONDS
        assert timing.deadline(30.0, opening=False) == 30.0


def test_what_takes_longer_than_the_first_round_is_not_cut_off_by_it() -> None:
    [timing] = stagger([("losses", 3600.0)])
    assert timing.deadline(150.0, opening=True) == 150.0


def test_a_run_is_over_before_the_next_begins() -> None:
    assert EVERY_TEN.deadline(10.0, opening=False) == 9.5
    assert EVERY_TEN.deadline(8.0, opening=False) == 8.0


async def test_a_slow_check_never_runs_beside_itself_and_holds_up_no_one(stage: Stage) -> None:
    stage.run.held["slow"] = asyncio.Event()
    stage.schedule.add(CheckTiming("slow", interval=10.0, first=0.0, phase=5.0))
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.pass_(26)
    assert stage.gone("slow") == [0.0]
    assert stage.gone("a") == [0.0, 4.0, 14.0, 24.0]
    assert stage.schedule.skipped == {"slow": 3, "a": 0}
    stage.run.held["slow"].set()
    await stage.pass_(10)
    assert stage.gone("slow") == [0.0, 35.0]


async def test_a_process_that_was_held_up_runs_once_and_counts_what_it_missed(
    stage: Stage,
) -> None:
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.pass_(4)
    stage.clock.pass_(3600)
    await stage.wake()
    assert stage.gone("a") == [0.0, 4.0, 3604.0]
    await stage.pass_(10)
    assert stage.gone("a")[3:] == [3614.0]
    assert stage.schedule.missed["a"] == 359
    assert max(stage.late) == pytest.approx(3590.0)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -86400.0 * 365])
async def test_the_wall_clock_may_be_set_as_anybody_likes(
    stage: Stage, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the schedule takes for the present follows our clock, not the machine's."""
    wall = Clock(1_800_000_000.0)
    monkeypatch.setattr(time, "time", wall)
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.pass_(20)
    wall.pass_(jump)
    await stage.pass_(20)
    assert stage.gone("a") == [0.0, 4.0, 14.0, 24.0, 34.0]
    assert stage.schedule.missed["a"] == 0


async def test_a_check_that_raises_goes_on_with_its_next_turn(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.run.broken.add("a")
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.pass_(15)
    assert stage.gone("a") == [0.0, 4.0, 14.0]
    assert "broken" in caplog.text


async def test_a_failed_check_is_looked_at_sooner_and_keeps_its_times(stage: Stage) -> None:
    stage.schedule.add(CheckTiming("a", interval=300.0, first=0.0, phase=200.0))
    await stage.wake()
    stage.schedule.run_soon("a", 30.0)
    await stage.pass_(40)
    stage.schedule.run_soon("a", 1000.0)
    assert stage.schedule.next_run_at("a") == pytest.approx(1200.0)
    await stage.pass_(480)
    assert stage.gone("a") == [0.0, 30.0, 200.0, 500.0]
    assert stage.schedule.missed["a"] == 0


async def test_a_check_that_is_removed_runs_no_more(stage: Stage) -> None:
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    stage.schedule.remove("a")
    stage.schedule.run_soon("a", 1.0)
    await stage.pass_(30)
    assert stage.gone("a") == [0.0]
    assert stage.schedule.next_run_at("a") is None


async def test_the_end_cancels_what_runs_and_waits_for_it(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.run.held["a"] = asyncio.Event()
    stage.schedule.add(EVERY_TEN)
    await stage.wake()
    await stage.schedule.stop()
    assert stage.run.cancelled == ["a"]
    await stage.pass_(30)
    assert stage.gone("a") == [0.0]
    assert caplog.text == ""


async def test_on_the_real_clock_no_one_has_to_wake_it() -> None:
    ran = asyncio.Event()

    async def run(name: str) -> None:
        ran.set()

    schedule = Schedule(run)
    schedule.start()
    schedule.add(CheckTiming("a", interval=1.0, first=0.01, phase=1.0))
    async with asyncio.timeout(30):
        await ran.wait()
    await schedule.stop()


async def test_a_check_that_is_hastened_while_it_runs_runs_again_as_soon_as_it_is_done(
    stage: Stage,
) -> None:
    stage.run.held["a"] = asyncio.Event()
    stage.schedule.add(CheckTiming("a", interval=300.0, first=0.0, phase=200.0))
    await stage.wake()
    stage.schedule.run_soon("a", 0.0)
    await stage.pass_(5)
    assert stage.gone("a") == [0.0]
    stage.run.held.pop("a").set()
    await stage.pass_(2)
    assert stage.gone("a") == [0.0, 5.5]
    await stage.pass_(200)
    assert stage.gone("a") == [0.0, 5.5, 200.0]
