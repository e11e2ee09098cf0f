"""Strips of cells: a day's verdicts and a service's 90 days, and the same in words."""

import pytest
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.history.model import TimeBucket
from probe.history.uptime.model import Uptime
from probe.report.html.charts.strips import day_bars, state_of_day, status_strip
from probe.report.html.templates import percent
from probe.report.status import StatusRow
from tests.report import status_samples as samples
from tests.report.html.status_days import DAY, available


def with_day(*buckets: TimeBucket) -> StatusRow:
    """A check with these stretches of time."""
    return replace(samples.health(), day=buckets, availability=available(buckets))


def one_day(**seconds: float) -> Uptime:
    """A day that was in these states for so long."""
    return Uptime(0.0, DAY, **seconds)


def test_equal_neighbours_are_one_bar_and_nothing_ran_is_a_gap() -> None:
    ok, bad, none = (
        TimeBucket({Verdict.OK: 9}),
        TimeBucket({Verdict.OK: 8, Verdict.CRITICAL: 1}),
        TimeBucket({}),
    )
    bars = status_strip(with_day(ok, ok, bad, none, ok)).bars
    drawn = {each.name: (each.path, each.width) for each in bars}
    assert drawn == {"ok": ("M0 13h2m2 0h1", 10), "critical": ("M2 9h1", 18)}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_worst_verdict_colours_a_cell(verdict: Verdict) -> None:
    order = list(Verdict)
    counts = {each: 5 for each in Verdict if order.index(each) <= order.index(verdict)}
    assert [each.name for each in status_strip(with_day(TimeBucket(counts))).bars] == [
        verdict.value
    ]


def test_a_strip_says_the_same_in_words() -> None:
    label = status_strip(with_day(TimeBucket({Verdict.OK: 99, Verdict.WARNING: 1}))).label
    assert label == "Last 24 hours: 99 % of 15 min available, 23 h 45 min without data; no incident"


def test_a_day_in_which_nothing_was_measured_has_no_share() -> None:
    label = status_strip(with_day(TimeBucket({Verdict.UNKNOWN: 3}), TimeBucket({}))).label
    assert label == "Last 24 hours: 15 min unknown, 23 h 45 min without data; no incident"


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (one_day(up=DAY), Verdict.OK),
        (one_day(), None),
        (one_day(up=DAY - 60, down=60), Verdict.WARNING),
        (one_day(up=DAY - 3600, down=3600), Verdict.CRITICAL),
        (one_day(down=30), Verdict.CRITICAL),
        (one_day(unknown=DAY), Verdict.UNKNOWN),
        (one_day(up=0.2 * DAY, unknown=0.8 * DAY), Verdict.UNKNOWN),
        (one_day(up=DAY, degraded=3600), Verdict.WARNING),
        (one_day(up=DAY, down=0.4), Verdict.OK),
    ],
)
def test_a_day_is_as_bad_as_its_downtime(day: Uptime, state: Verdict | None) -> None:
    assert state_of_day(day) is state


def test_90_days_stand_in_words_with_gaps_and_unknown_days() -> None:
    days = [one_day(up=DAY)] * 3 + [one_day(up=DAY - 3600, down=3600), one_day(unknown=DAY)]
    picture = day_bars(days)
    assert picture.cells == 90
    assert picture.label == (
        "90 days: 98.95 % up, 1 day with downtime, 1 day unknown, 85 days without data"
    )
    assert {each.name: each.path.count("M") for each in picture.bars} == {
        "none": 85,
        "ok": 3,
        "unknown": 1,
        "critical": 1,
    }


def test_before_any_day_there_is_no_data() -> None:
    assert day_bars([]).label == "90 days: no data yet"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.0, "100 %"), (0.99999, "99.99 %"), (0.5, "50 %"), (0.0, "0 %"), (None, "—")],
)
def test_what_was_down_for_a_moment_is_not_shown_as_100_percent(
    ratio: float | None, shown: str
) -> None:
    assert percent(ratio) == shown
