"""A day in pictures: strips, steps, limits, gaps, and a scale that shows what matters."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.model import Limits, Signal, Unit, Verdict
from probe.history.model import TimeBucket
from probe.report.html.axis import scale_of
from probe.report.html.plots import off_scale_limits, plot, plot_summary, status_strip
from probe.report.status import StatusRow
from tests.report import status_samples as samples
from tests.report.html.status_days import available, day

OVERVIEW = samples.all_well()
WAIT = Signal("probe_wait_seconds", Unit.SECONDS, "Wait.", column="wait")
SHARE = Signal("probe_share_ratio", Unit.RATIO, "Share.", column="share")


def with_day(
    *buckets: TimeBucket, limits: Limits | None = None, signal: Signal = WAIT
) -> StatusRow:
    """A check with these stretches of time."""
    row = replace(samples.health(), day=buckets, limits=limits, plot=signal)
    return replace(row, availability=available(buckets))


def values(*medians: float | None, peaks: Sequence[float | None] = ()) -> tuple[TimeBucket, ...]:
    """Buckets that went well, with these values; the peaks are the medians' unless given."""
    pairs = zip(medians, peaks or medians, strict=True)
    return tuple(
        TimeBucket({Verdict.OK: 9} if median is not None else {}, median, peak)
        for median, peak in pairs
    )


def drawn(row: StatusRow) -> ElementTree.Element:
    """The plot, read as XML."""
    markup = plot(row, OVERVIEW)
    assert markup is not None
    return ElementTree.fromstring(markup)


def path_of(row: StatusRow, name: str) -> str:
    """The path of a class."""
    [found] = [each for each in drawn(row).iter("path") if each.get("class") == name]
    return found.get("d") or ""


def texts(row: StatusRow) -> list[str]:
    """All words in the plot."""
    return [each.text or "" for each in drawn(row).iter("text")]


def test_equal_neighbours_are_one_bar_and_nothing_ran_is_a_gap() -> None:
    ok, bad, none = (
        TimeBucket({Verdict.OK: 9}),
        TimeBucket({Verdict.OK: 8, Verdict.CRITICAL: 1}),
        TimeBucket({}),
    )
    svg = ElementTree.fromstring(status_strip(with_day(ok, ok, bad, none, ok)))
    paths = {each.get("class"): (each.get("d"), each.get("stroke-width")) for each in svg}
    assert paths == {"ok": ("M0 13h2m2 0h1", "10"), "critical": ("M2 9h1", "18")}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_worst_verdict_colours_a_cell(verdict: Verdict) -> None:
    counts = {
        each: 5 for each in Verdict if list(Verdict).index(each) <= list(Verdict).index(verdict)
    }
    svg = ElementTree.fromstring(status_strip(with_day(TimeBucket(counts))))
    assert [each.get("class") for each in svg] == [verdict.value]


def test_a_strip_says_the_same_in_words() -> None:
    svg = ElementTree.fromstring(
        status_strip(with_day(TimeBucket({Verdict.OK: 99, Verdict.WARNING: 1})))
    )
    assert (
        svg.get("aria-label")
        == "Last 24 hours: 99 % of 15 min available, 23 h 45 min without data; no incident"
    )


def test_a_day_in_which_nothing_was_measured_has_no_share_and_no_plot() -> None:
    row = with_day(TimeBucket({Verdict.UNKNOWN: 3}), TimeBucket({}))
    label = ElementTree.fromstring(status_strip(row)).get("aria-label")
    assert label == "Last 24 hours: 15 min unknown, 23 h 45 min without data; no incident"
    assert plot(row, OVERVIEW) is None
    assert plot_summary(row, OVERVIEW) == ""


def test_a_line_breaks_where_nothing_was_measured() -> None:
    row = with_day(*values(0.1, 0.1, None, None, 0.2))
    assert re.fullmatch(r"M0 \d+h2M4 \d+h1", path_of(row, "median"))
    assert re.fullmatch(r"M0 96V\d+h2V96M4 96V\d+h1V96", path_of(row, "greatest"))


def test_failed_stretches_are_shaded() -> None:
    bad = TimeBucket({Verdict.CRITICAL: 9})
    row = with_day(*values(0.1), bad, bad, *values(0.1))
    assert path_of(row, "critical") == "M1 48h2"


def test_limits_within_reach_are_lines_with_their_names() -> None:
    row = with_day(*values(0.3, 0.4), limits=Limits(0.2, 0.5, 0.8))
    lines = [each.get("class") for each in drawn(row).iter("line")]
    assert lines == ["limit critical", "limit warning", "limit objective"]
    assert {"objective 200 ms", "warning 500 ms", "critical 800 ms"} <= set(texts(row))
    assert off_scale_limits(row) == []


def test_a_limit_far_above_stands_in_words_and_does_not_flatten_the_data() -> None:
    row = with_day(*values(0.05, 0.04), limits=Limits(None, None, 10.0))
    assert off_scale_limits(row) == ["critical limit 10 s is beyond the scale"]
    assert not list(drawn(row).iter("line"))
    found = scale_of(row.day, WAIT, Limits(None, None, 10.0))
    assert found is not None
    assert found.high < 0.1


def test_names_of_limits_that_lie_together_do_not_lie_on_one_another() -> None:
    row = with_day(*values(0.3, 0.4), limits=Limits(0.30, 0.31, 0.32))
    heights = sorted(
        int(each.get("y") or 0) for each in drawn(row).iter("text") if each.get("class") == "name"
    )
    assert all(after - before >= 12 for before, after in pairwise(heights))


def test_one_outlier_is_cut_off_and_told() -> None:
    row = with_day(*values(*[0.1] * 50, peaks=[*[0.12] * 49, 10.0]))
    found = scale_of(row.day, WAIT, Limits())
    assert found is not None
    assert found.high < 0.5
    assert "at most 10 s (about 03:07 UTC)" in plot_summary(row, OVERVIEW)


def test_shares_near_all_of_it_are_not_drawn_from_zero() -> None:
    found = scale_of(values(0.97, 0.99, 1.0), SHARE, Limits(0.99, 0.95))
    assert found is not None
    assert 0.9 <= found.low <= 0.95


def test_values_below_zero_have_room() -> None:
    found = scale_of(values(-0.02, 0.03), WAIT, Limits())
    assert found is not None
    assert found.holds(-0.02)


def test_axes_have_units_and_hours_of_utc() -> None:
    words = texts(with_day(*day()))
    assert {"0", "06:00", "12:00", "18:00", "00:00"} <= set(words)
    assert any(word.endswith(" ms") for word in words)


@given(
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=12),
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3),
    st.sampled_from(list(Unit)),
)
def test_any_numbers_give_a_drawing(
    medians: list[float | None], limits: list[float | None], unit: Unit
) -> None:
    row = with_day(*values(*medians), limits=Limits(*limits), signal=replace(WAIT, unit=unit))
    markup = plot(row, OVERVIEW)
    status_strip(row)
    off_scale_limits(row)
    plot_summary(row, OVERVIEW)
    if markup is not None:
        numbers = re.findall(r"-?\d+(?= |h|v|V|M|$)", path_of(row, "median"))
        assert numbers
        assert all(abs(int(each)) <= 96 for each in numbers)
