"""Windows against somebody who looks at the clock of the zone, minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.silence.maintenance_window import active, next_change, occurrences
from alerts.silence.window_table import WEEK, WindowTable
from tests.alerts.silence.windows import DAY, table

ZONES = ["Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "America/Santiago", "UTC"]
CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 9, 6)]
CHANGES += [date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)]

recurring = st.builds(
    table,
    weekdays=st.lists(st.sampled_from(WEEK), min_size=1, unique=True),
    at=st.builds(time, st.integers(0, 23) | st.integers(0, 3), st.integers(0, 59)),
    minutes=st.integers(1, 24 * 60 - 1) | st.integers(1, 180),
    timezone=st.sampled_from(ZONES),
)


@cache
def _clock(zone: str, around: date) -> list[datetime]:
    """What the zone's clock shows each minute, from ten days before a day, for 17 days."""
    first = datetime.combine(around, time(), UTC) - timedelta(days=10)
    minutes = (first + timedelta(minutes=minute) for minute in range(17 * 1440))
    return [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in minutes]


def _held(windows: WindowTable, around: date) -> list[bool]:
    """Minute by minute, by watching the clock: each due time is met once, then counts down."""
    clock = _clock(windows.timezone, around)
    due, left, held = datetime.combine(clock[0].date(), windows.at), 0, []
    due += timedelta(days=due < clock[0])
    for moment in clock:
        left -= 1
        while moment >= due:
            left = windows.minutes if WEEK[due.weekday()] in windows.weekdays else left
            due += timedelta(days=1)
        held.append(left > 0)
    return held


@settings(max_examples=30)
@given(recurring, st.sampled_from(CHANGES))
def test_windows_are_active_in_the_minutes_of_the_wall_clock(
    windows: WindowTable, around: date
) -> None:
    assert_active_by_the_clock(windows, around)


@pytest.mark.proof
@settings(max_examples=300)
@given(recurring, st.sampled_from(CHANGES))
def test_three_hundred_windows_are_active_in_the_minutes_of_the_wall_clock(
    windows: WindowTable, around: date
) -> None:
    assert_active_by_the_clock(windows, around)


def assert_active_by_the_clock(windows: WindowTable, around: date) -> None:
    """Around the edges of each window, and every 97 minutes."""
    first = datetime.combine(around, time(), UTC).timestamp() - 10 * DAY
    held = _held(windows, around)
    edges = {n for n in range(3 * 1440, 17 * 1440) if held[n] != held[n - 1]}
    for minute in sorted(edges | {n - 1 for n in edges} | set(range(3 * 1440, 17 * 1440, 97))):
        now = first + minute * 60
        assert bool(active([windows], now)) is held[minute], datetime.fromtimestamp(now, UTC)


@given(recurring, st.sampled_from(CHANGES))
def test_occurrences_are_sorted_and_dont_overlap(windows: WindowTable, around: date) -> None:
    start = datetime.combine(around, time(), UTC).timestamp() - 7 * DAY
    found = list(occurrences(windows, start, start + 14 * DAY))
    assert found
    assert all(each.start < each.end and each.end > start for each in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


@given(recurring, st.sampled_from(CHANGES), st.floats(-7 * DAY, 7 * DAY))
def test_nothing_changes_before_the_next_change(
    windows: WindowTable, around: date, offset: float
) -> None:
    now = datetime.combine(around, time(), UTC).timestamp() + offset
    change = next_change([windows], [], now)
    assert change is not None
    assert change > now
    before = active([windows], now)
    assert active([windows], (now + change) / 2) == before
    assert active([windows], change) != before
    (following,) = islice(occurrences(windows, change, change + 8 * DAY), 1)
    assert change in (following.start, before[0].end if before else None)
