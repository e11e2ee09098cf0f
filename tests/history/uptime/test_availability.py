"""Uptime is a share of time, and says what it leaves out."""

from pathlib import Path

import pytest

from probe.core.model import Status, Verdict
from probe.history.uptime.model import SubjectKind, Uptime
from tests.history.history_builders import keep, opened, uptime_between
from tests.history.period_builders import NOON, entry


async def uptime(
    folder: Path, runs: list[tuple[float, Verdict]], end: float, **more: Status
) -> Uptime:
    async with opened(folder, now=lambda: NOON + end) as history:
        history.set_checks({"toy": 75.0}, ())
        await keep(history, [entry(NOON + at, verdict, **more) for at, verdict in runs])
        return (await uptime_between(history, NOON, NOON + end))[SubjectKind.CHECK, "toy"]


async def test_failing_checks_run_more_often_and_weigh_no_more(tmp_path: Path) -> None:
    """Every minute while it passes, every 5 s while it fails: 71.9 % up, by runs 25 %."""
    up = [(60.0 * minute, Verdict.OK) for minute in range(43)]
    down = [(2580.0 + 5.0 * turn, Verdict.CRITICAL) for turn in range(201)]
    found = await uptime(tmp_path, [*up, *down], 3588.0)
    assert found.ratio == pytest.approx(0.719, abs=0.001)
    assert (found.up, found.down, found.gap) == (2580.0, 1008.0, 0.0)


async def test_unknown_and_gaps_are_left_out_and_reported(tmp_path: Path) -> None:
    runs = [(0.0, Verdict.OK), (60.0, Verdict.UNKNOWN), (120.0, Verdict.OK), (1000.0, Verdict.OK)]
    found = await uptime(tmp_path, runs, 1060.0)
    assert found.ratio == 1.0
    assert (found.up, found.down, found.unknown) == (60.0 + 75.0 + 60.0, 0.0, 60.0)
    assert found.gap == pytest.approx(1000.0 - 195.0)


async def test_a_result_from_before_holds_into_the_time_that_is_asked_for(tmp_path: Path) -> None:
    found = await uptime(tmp_path, [(-50.0, Verdict.CRITICAL), (10.0, Verdict.OK)], 60.0)
    assert (found.up, found.down) == (50.0, 10.0)


async def test_what_was_never_measured_has_no_ratio(tmp_path: Path) -> None:
    found = await uptime(tmp_path, [(0.0, Verdict.UNKNOWN)], 60.0)
    assert (found.ratio, found.unknown) == (None, 60.0)


async def test_a_warning_of_a_run_that_passed_is_no_downtime(tmp_path: Path) -> None:
    found = await uptime(tmp_path, [(0.0, Verdict.WARNING)], 60.0, status=Status.OK)
    assert found.ratio == 1.0
