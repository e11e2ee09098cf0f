"""A signal over time: steps, bands, limits, gaps, and a scale that shows what matters."""

import re
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.model import Limits, Signal, Unit
from probe.history.uptime.model import SeriesPoint, SignalSeries
from probe.report.html.charts.axis import Scale, scale_of
from probe.report.html.charts.chart import Chart, chart_of
from tests.report.html.status_days import DAY, START

WAIT = Signal("probe_wait_seconds", Unit.SECONDS, "Wait.", column="wait")
SHARE = Signal("probe_share_ratio", Unit.RATIO, "Share.", column="share")


def series(
    *medians: float | None, highs: Sequence[float | None] = (), days: float = 1.0
) -> SignalSeries:
    """So many equal stretches with these medians; the band is theirs unless given."""
    step = days * DAY / max(len(medians), 1)
    points = [
        SeriesPoint(
            START + at * step,
            START + (at + 1) * step,
            int(middle is not None),
            middle,
            middle,
            high,
        )
        for at, (middle, high) in enumerate(zip(medians, highs or medians, strict=True))
    ]
    return SignalSeries(WAIT.name, (), tuple(points))


def drawn(found: SignalSeries, limits: Limits | None = None, signal: Signal = WAIT) -> Chart:
    """The chart; there is one."""
    chart = chart_of(found, signal, limits, found.points[0].start, found.points[-1].end)
    assert chart is not None
    return chart


def scale(*medians: float, limits: Limits | None = None, signal: Signal = WAIT) -> Scale:
    """The scale of these values; there is one."""
    found = scale_of(medians, medians, signal, limits or Limits())
    assert found is not None
    return found


def test_a_line_and_its_band_break_where_nothing_was_measured() -> None:
    chart = drawn(series(0.1, 0.1, None, None, 0.2))
    assert re.fullmatch(r"M0 \d+h2M4 \d+h1", chart.median)
    assert len(re.findall("M", chart.band)) == 2
    assert chart.band.endswith("z")
    assert "9 h 36 min without data" in chart.caption[0]


def test_without_any_value_there_is_no_chart() -> None:
    assert chart_of(series(None, None), WAIT, None, START, START + DAY) is None
    assert chart_of(series(), WAIT, None, START, START + DAY) is None


def test_stretches_that_are_left_out_are_gaps() -> None:
    whole = series(0.1, 0.1, 0.1, 0.1, 0.2)
    sparse = replace(whole, points=(whole.points[0], whole.points[4]))
    chart = chart_of(sparse, WAIT, None, START, START + DAY)
    assert chart is not None
    assert chart.cells == 5
    assert re.fullmatch(r"M0 \d+h1M4 \d+h1", chart.median)
    assert "14 h 24 min without data" in chart.caption[0]


def test_limits_within_reach_are_lines_with_their_names() -> None:
    chart = drawn(series(0.3, 0.4), Limits(0.2, 0.5, 0.8))
    assert [each.name for each in chart.limits] == ["critical", "warning", "objective"]
    words = {each.label.text for each in chart.limits}
    assert words == {"objective 200 ms", "warning 500 ms", "critical 800 ms"}
    assert len(chart.caption) == 1


def test_a_limit_far_above_stands_in_words_and_does_not_flatten_the_data() -> None:
    chart = drawn(series(0.05, 0.04), Limits(None, None, 10.0))
    assert chart.limits == ()
    assert chart.caption[1:] == ("critical limit 10 s is beyond the scale",)
    assert scale(0.05, 0.04, limits=Limits(None, None, 10.0)).high < 0.1


def test_names_of_limits_that_lie_together_do_not_lie_on_one_another() -> None:
    chart = drawn(series(0.3, 0.4), Limits(0.30, 0.31, 0.32))
    heights = sorted(each.label.y for each in chart.limits)
    assert all(after - before >= 12 for before, after in pairwise(heights))


def test_one_outlier_is_cut_off_and_stands_in_words() -> None:
    chart = drawn(series(*[0.1] * 50, highs=[*[0.12] * 49, 10.0]))
    assert "at most 10 s (03:07 UTC)" in chart.caption[0]
    found = scale_of([0.1] * 50, [*[0.12] * 49, 10.0], WAIT, Limits())
    assert found is not None
    assert found.high < 0.5


def test_yes_and_no_are_all_the_labels_of_what_is_one_or_the_other() -> None:
    # A chart said "yes, yes, yes, 0" and "typically yes, mostly yes to yes".
    answer = Signal("probe_success", Unit.BOOLEAN, "Success.")
    for values, words in (
        ((1.0, 1.0), "always yes"),
        ((0.0, 0.0, 0.0), "always no"),
        ((1.0, 1.0, 0.0), "mostly yes, no at times"),
    ):
        chart = drawn(series(*values), signal=answer)
        assert [each.text for each in chart.ticks] == ["no", "yes"]
        assert chart.caption[0] == words


@given(
    st.floats(-1e9, 1e9, allow_nan=False),
    st.sampled_from([WAIT, SHARE, Signal("probe_end", Unit.TIMESTAMP, "End.")]),
)
def test_a_value_that_never_changes_is_said_once(value: float, signal: Signal) -> None:
    # "-2.47 ms" stood at both ends of the axis.
    chart = drawn(series(value, value), signal=signal)
    texts = [each.text for each in chart.ticks]
    assert all(one != other for one, other in pairwise(texts))
    assert chart.caption[0].startswith("always ")


def test_shares_near_all_of_it_are_not_drawn_from_zero() -> None:
    assert 0.9 <= scale(0.97, 0.99, 1.0, limits=Limits(0.99, 0.95), signal=SHARE).low <= 0.95


def test_values_below_zero_have_room() -> None:
    assert scale(-0.02, 0.03).holds(-0.02)


def test_a_day_has_hours_and_a_month_has_days() -> None:
    hours = {each.text for each in drawn(series(0.1, 0.2)).times}
    assert hours == {"06:00", "12:00", "18:00", "00:00"}
    days = [each.text for each in drawn(series(0.1, 0.2, days=30.0)).times]
    assert 4 <= len(days) <= 7
    assert all(re.fullmatch(r"\d\d-\d\d", each) for each in days)


@given(
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=12),
    st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3),
    st.sampled_from(list(Unit)),
)
def test_any_numbers_give_a_drawing(
    medians: list[float | None], limits: list[float | None], unit: Unit
) -> None:
    drawn_of = replace(WAIT, unit=unit)
    chart = chart_of(series(*medians), drawn_of, Limits(*limits), START, START + DAY)
    if chart is None:
        assert all(each is None or not abs(each) < 1e100 for each in medians)
    else:
        heights = re.findall(r"-?\d+(?= |h|v|V|M|$)", chart.median)
        assert heights
        assert all(abs(int(each)) <= 96 for each in heights)
