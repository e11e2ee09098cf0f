"""The daemon watches itself: tasks, starts, clock, and the order of its first round."""

import asyncio
import logging
from pathlib import Path
from random import Random

import pytest

from probe.core.model import Verdict
from probe.daemon.self_monitoring.clock_watch import ClockWatch
from probe.daemon.self_monitoring.starts import FILE, Starts
from probe.daemon.self_monitoring.startup_order import order_of
from probe.daemon.self_monitoring.supervision import Supervisor
from probe.history.model import StatePeriod
from tests.clocks import Clock
from tests.virtual_time import run_virtually


def test_a_task_that_fails_is_started_again_and_ends_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, runs = Clock(), {"bad": 0, "good": 0}
    supervisor = Supervisor(clock)

    async def bad() -> None:
        runs["bad"] += 1
        raise OSError("no descriptor left")

    async def good() -> None:
        while True:
            runs["good"] += 1
            await asyncio.sleep(10.0)

    async def watch() -> None:
        task = asyncio.create_task(supervisor.run({"bad": bad, "good": good}))
        await asyncio.sleep(120.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run_virtually(watch(), clock)
    assert 5 <= runs["bad"] <= 9, "with back-off"
    assert runs["good"] in (12, 13)
    assert supervisor.failures == {"bad": runs["bad"], "good": 0}
    assert supervisor.failing == {"bad": "OSError"}
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1, "the same error is logged once"


def test_a_task_that_runs_for_long_has_recovered() -> None:
    clock = Clock()
    supervisor, runs = Supervisor(clock), 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs <= 3:
            raise ValueError
        await asyncio.sleep(1e6)

    async def watch() -> None:
        task = asyncio.create_task(supervisor.run({"job": job}))
        await asyncio.sleep(60.0)
        assert supervisor.failing == {"job": "ValueError"}
        await asyncio.sleep(600.0)
        assert supervisor.failing == {}
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run_virtually(watch(), clock)


async def test_three_starts_within_five_minutes_are_a_loop_and_the_last_end_is_named(
    tmp_path: Path,
) -> None:
    now = Clock(1_800_000_000.0)
    for end in ("a signal", "an error (OSError)"):
        life = Starts(tmp_path, now)
        await life.begin()
        assert life.problem == ""
        await life.end(end)
        now.pass_(10.0)
    third = Starts(tmp_path, now)
    await third.begin()
    assert "3 starts within 5 min" in third.problem
    assert "an error (OSError)" in third.problem
    now.pass_(301.0)
    assert third.problem == ""


@pytest.mark.parametrize("text", ["", "[1, 2]", "{}", "[" * 5000, '[{"at": "x"}]', "\0"])
async def test_a_damaged_record_of_starts_stops_no_start(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    starts = Starts(tmp_path, Clock(100.0))
    await starts.begin()
    assert starts.recent == 1


def test_a_clock_that_is_set_is_noticed_and_one_that_is_slewed_is_not() -> None:
    wall, clock = Clock(1e9), Clock()
    watch = ClockWatch(wall, clock, clock)
    for _ in range(10):
        clock.pass_(1.0)
        wall.pass_(1.01)
        assert watch.check() == 0.0
    wall.pass_(-7200.0)
    assert watch.check() == pytest.approx(-7200.0)
    assert watch.steps == 1
    assert "set back by 2 h" in watch.notices[0].title
    assert watch.check() == 0.0


def test_a_suspended_machine_is_noticed_and_is_no_step_of_the_clock() -> None:
    wall, clock, boot = Clock(1e9), Clock(), Clock()
    watch = ClockWatch(wall, clock, boot)
    wall.pass_(3600.0)
    boot.pass_(3600.0)
    assert watch.check() == 0.0
    assert watch.steps == 0
    assert "suspended for 1 h" in watch.notices[0].title


def period(name: str, verdict: Verdict) -> StatePeriod:
    """A present state."""
    return StatePeriod(name, 0.0, None, verdict)


def test_what_was_failing_runs_first_and_then_what_ran_longest_ago() -> None:
    periods = {"c": period("c", Verdict.CRITICAL), "d": period("d", Verdict.OK)}
    last = {"a": 30.0, "b": 10.0, "c": 40.0, "d": 20.0}
    order = order_of(["a", "b", "c", "d", "new"], periods, last, 1, Random(1))
    assert order == ["c", "new", "b", "d", "a"]


def test_in_a_crash_loop_no_check_keeps_the_others_from_their_turn() -> None:
    names = [f"t{number}" for number in range(30)]
    first = {order_of(names, {}, {}, 5, Random(seed))[0] for seed in range(400)}
    assert len(first) > 25
