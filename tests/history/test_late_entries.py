"""Periods go by time, in whatever order their entries were written."""

from pathlib import Path

import pytest

from probe.core.model import Verdict
from probe.history.model import StatePeriod
from tests.history.history_builders import keep, opened
from tests.history.period_builders import NOON, entry

OK, BAD, WORSE = Verdict.OK, Verdict.WARNING, Verdict.CRITICAL
HOUR = 3600.0


def shown(periods: dict[str, tuple[StatePeriod, ...]]) -> list[tuple[float, float | None, int]]:
    """Start, end and length of each, in seconds since noon."""
    found = periods.get("toy", ())
    return [
        (each.start - NOON, None if each.end is None else each.end - NOON, each.entries)
        for each in found
    ]


async def test_an_entry_that_is_written_late_divides_the_period_in_which_it_began() -> None:
    async with opened(None) as history:
        bad = [entry(NOON + at, BAD) for at in (0, 10, 20, 30)]
        await keep(history, [*bad, entry(NOON + 15, OK)])
        periods = await history.unhealthy_periods(NOON, NOON + HOUR)
    assert shown(periods) == [(20, None, 2), (0, 15, 2)]


async def test_runs_that_overlap_make_one_period() -> None:
    async with opened(None) as history:
        written = [(0, OK), (20, BAD), (10, WORSE), (30, OK), (25, BAD)]
        await keep(history, [entry(NOON + at, verdict) for at, verdict in written])
        periods = await history.unhealthy_periods(NOON, NOON + HOUR)
    assert shown(periods) == [(10, 30, 3)]
    assert periods["toy"][0].verdict is WORSE


async def test_a_clock_that_is_set_back_gives_no_period_that_ends_before_it_begins(
    tmp_path: Path,
) -> None:
    before = [entry(NOON + at, BAD if at > 100 else OK) for at in range(0, 200, 10)]
    after = [entry(NOON - HOUR + at, OK) for at in range(0, 200, 10)]
    async with opened(tmp_path) as history:
        await keep(history, [*before, *after])
    # The order is known to the next process too.
    async with opened(tmp_path) as history:
        around = await history.unhealthy_periods(NOON - 2 * HOUR, NOON + HOUR)
        assert await history.unhealthy_periods(NOON - 2 * HOUR, NOON) == {}
    assert shown(around) == [(110, None, 9)]


@pytest.mark.parametrize("later", [HOUR, 30 * 86400.0])
async def test_what_comes_after_late_entries_is_found_by_the_index_again(
    later: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(None) as history:
        await keep(history, [entry(NOON + 100, BAD), entry(NOON, OK)])
        fine = [entry(NOON + later + at, OK) for at in range(0, 100, 10)]
        await keep(history, [*fine, entry(NOON + later + 100, BAD)])
        monkeypatch.delattr("probe.history.periods.unhealthy_periods_by_time")
        periods = await history.unhealthy_periods(NOON + later + 50, NOON + later + HOUR)
        assert history.state.problem == ""
    assert shown(periods) == [(later + 100, None, 1)]
