"""Counters over resets, restarts, and quantiles of histograms, for whatever was counted."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.telemetry.counters import Counters, Restarts, increase, quantile

ERRORS = ("errors", ())
COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=6)


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_what_rose_is_known_over_any_number_of_restarts(lives: list[list[int]]) -> None:
    """But for a restart that no scrape can see, because it counted on past the old value."""
    counters, at, wanted, before = Counters(keep=1e9), 0.0, 0.0, None
    for steps in lives:
        total = 0
        for step in steps:
            total += step
            if before is not None:
                wanted += total - before if total >= before else total
            counters.add_reading("a", at, {ERRORS: float(total)})
            before, at = total, at + 60
    risen = counters.over(1e9, at)
    if before is None or at <= 60:
        assert risen is None
    else:
        assert risen is not None
        assert risen.total("errors") == wanted
        assert risen.seconds == at - 60


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_an_increase_is_never_negative_and_never_more_than_the_counter(a: float, b: float) -> None:
    assert 0 <= increase(a, b) <= b


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100)), min_size=1, max_size=40))
def test_processes_are_summed_and_each_is_known_by_itself(scrapes: list[tuple[int, int]]) -> None:
    counters = Counters(keep=1e9)
    totals: dict[int, float] = {}
    wanted = 0.0
    for at, (who, step) in enumerate(scrapes):
        wanted += step if who in totals else 0.0
        totals[who] = totals.get(who, 0.0) + step
        counters.add_reading(str(who), float(at), {ERRORS: totals[who]})
    risen = counters.over(1e9, float(len(scrapes)))
    assert (risen.total("errors") if risen else 0) == wanted


def test_a_label_set_that_appears_was_0_before() -> None:
    counters = Counters(keep=3600)
    counters.add_reading("a", 0, {})
    counters.add_reading(
        "a", 60, {("errors", (("kind", "x"),)): 3.0, ("errors", (("kind", "y"),)): 9.0}
    )
    risen = counters.over(300, 60)
    assert risen is not None
    assert risen.total("errors") == 12
    assert risen.total("errors", lambda labels: labels["kind"] == "x") == 3
    assert list(risen.by("errors", "kind").items()) == [("y", 9.0), ("x", 3.0)]


def test_a_stretch_holds_what_rose_in_it_and_nothing_older() -> None:
    counters = Counters(keep=3600)
    for minute in range(11):
        counters.add_reading("a", 60.0 * minute, {ERRORS: float(minute**2)})
    for seconds, wanted in ((300, 100 - 25), (60, 100 - 81), (3600, 100)):
        risen = counters.over(seconds, 600)
        assert risen is not None
        assert (risen.seconds, risen.total("errors")) == (min(seconds, 600), wanted)
    assert counters.over(300, 2000) is None


def test_what_is_not_scraped_any_more_is_forgotten() -> None:
    counters = Counters(keep=100)
    counters.add_reading("a", 0, {ERRORS: 1})
    counters.add_reading("b", 1000, {ERRORS: 1})
    counters.add_reading("a", 1001, {ERRORS: 50})
    assert counters.over(1e6, 1001) is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_every_fall_of_an_uptime_is_a_restart(uptimes: list[float]) -> None:
    restarts = Restarts(keep=1e9)
    found = [restarts.add_reading("a", 60.0 * n, uptime) for n, uptime in enumerate(uptimes)]
    falls = sum(after < before for before, after in itertools.pairwise(uptimes))
    assert found[0] is None
    assert found[-1] == (falls if len(uptimes) > 1 else None)


@pytest.mark.parametrize(
    ("second", "uptime", "restarts"),
    [("b", 5.0, 1), ("b", 59.0, 1), ("b", 61.0, None), ("b", 9e5, None), ("a", 5.0, 1)],
)
def test_a_new_process_that_began_while_we_watched_is_a_restart(
    second: str, uptime: float, restarts: int | None
) -> None:
    """The backend's instance.id is new with each start; another machine has been up for long."""
    seen = Restarts(keep=1e9)
    assert seen.add_reading("a", 0.0, 500.0) is None
    assert seen.add_reading(second, 60.0, uptime) == restarts
    assert seen.add_reading(second, 120.0, uptime + 60.0) == (restarts or 0)


def test_a_restart_is_forgotten_after_its_time() -> None:
    restarts = Restarts(keep=100)
    assert [
        restarts.add_reading("a", at, up) for at, up in ((0, 50), (10, 5), (90, 85), (111, 106))
    ] == [
        None,
        1,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("buckets", "wanted"),
    [
        ({0.1: 0, 0.5: 100, math.inf: 100}, 0.1 + 0.4 * 0.95),
        ({0.1: 90, 0.5: 100, math.inf: 100}, 0.3),
        ({0.1: 0, 0.5: 0, math.inf: 10}, 0.5),
        ({0.1: 0, math.inf: 0}, None),
        ({0.1: 5, 0.5: 9}, None),
        ({math.inf: 5}, None),
        ({}, None),
    ],
)
def test_a_quantile_is_what_histogram_quantile_says(
    buckets: dict[float, float], wanted: float | None
) -> None:
    found = quantile(0.95, buckets)
    assert found == (None if wanted is None else pytest.approx(wanted))


@given(
    st.lists(st.floats(0.001, 100), min_size=1, max_size=200),
    st.lists(st.floats(0.001, 100), min_size=1, max_size=10, unique=True),
)
def test_a_quantile_lies_in_the_bucket_of_the_value_that_it_stands_for(
    values: list[float], bounds: list[float]
) -> None:
    counts = {bound: float(sum(each <= bound for each in values)) for bound in (*bounds, math.inf)}
    found = quantile(0.95, counts)
    assert found is not None
    exact = sorted(values)[math.ceil(0.95 * len(values)) - 1]
    above = [bound for bound in sorted(bounds) if bound >= exact]
    below = [bound for bound in sorted(bounds) if bound < exact]
    low = max(below, default=0.0)
    if above:
        assert low <= found <= above[0] + 1e-9
    else:
        assert found == max(bounds)
