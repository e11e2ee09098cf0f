"""Intervals hold as often as they say, also when one looks again and again."""

import operator
import random
from collections.abc import Callable
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.confidence_intervals import wilson_interval
from probe.gate.cadence import Cadence
from probe.gate.confidence_intervals import (
    anytime_interval,
    mean_interval,
    pooled_interval,
    quantile_interval,
    student,
)
from probe.gate.objectives import REQUESTS_PASS

Interval = Callable[[float, float, float], tuple[float, float]]


def test_wilson_of_the_issues_example() -> None:
    low, high = wilson_interval(7, 140, 0.95)
    assert (1 - high, 1 - low) == pytest.approx((0.9004, 0.9756), abs=1e-4)


@pytest.mark.parametrize("interval", [wilson_interval, anytime_interval])
@given(bad=st.integers(0, 500), good=st.integers(0, 500))
def test_an_interval_holds_the_share_and_stays_in_its_bounds(
    interval: Interval, bad: int, good: int
) -> None:
    low, high = interval(bad, bad + good, 0.95)
    assert 0 <= low <= high <= 1
    if bad + good:
        assert low - 1e-9 <= bad / (bad + good) <= high + 1e-9


def test_no_case_says_nothing() -> None:
    assert wilson_interval(0, 0, 0.95) == anytime_interval(0, 0, 0.95) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.05])
def test_looking_after_every_case_errs_no_more_often_than_promised(share: float) -> None:
    """Wilson's interval, looked at as often, would be wrong in most of the series."""
    chance, series, wrong, naive = random.Random(7), 100, 0, 0
    for _ in range(series):
        bad, missed, fooled = 0, False, False
        for total in range(1, 401):
            bad += chance.random() < share
            low, high = anytime_interval(bad, total, 0.9) if total % 4 == 0 else (0.0, 1.0)
            missed |= not low <= share <= high
            first, last = wilson_interval(bad, total, 0.9)
            fooled |= not first <= share <= last
        wrong, naive = wrong + missed, naive + fooled
    assert wrong <= 0.1 * series
    assert naive > 2 * wrong


def test_how_many_cases_a_decision_takes() -> None:
    """What the documentation says of 99.9 %, 95 % and a p95."""
    limits = {1 - REQUESTS_PASS: 3838, 0.05: 73}
    for allowed, cases in limits.items():
        assert (
            wilson_interval(0, cases, 0.95)[1] <= allowed < wilson_interval(0, cases - 1, 0.95)[1]
        )


def test_the_quantile_is_between_its_order_statistics() -> None:
    values = [float(each) for each in range(1000)]
    low, high = quantile_interval(values, 0.95, 0.95)
    assert low < 949 < high
    assert high - low < 40
    assert quantile_interval([3.0], 0.95, 0.95) == (3.0, 3.0)


def test_values_that_follow_each_other_make_a_wider_interval_of_the_mean() -> None:
    chance = random.Random(3)
    alone = [chance.gauss(0, 1) for _ in range(2000)]
    walk, at = [], 0.0
    for each in alone:
        at = 0.95 * at + each
        walk.append(at)
    narrow, wide = mean_interval(alone, 0.95), mean_interval(walk, 0.95)
    assert wide[1] - wide[0] > 5 * (narrow[1] - narrow[0])
    assert narrow[0] < 0 < narrow[1]
    assert wide[0] < 0 < wide[1]
    assert mean_interval([1.0] * 39, 0.95) == (float("-inf"), float("inf"))


def test_a_pooled_share_holds_as_often_as_it_says_where_values_depend_on_each_other() -> None:
    """Wilson's interval takes every request for independent, and errs far more often."""
    chance, wrong, naive, days = random.Random(5), 0, 0, 150
    for _ in range(days):
        shares, cases, level = [], [], 0.0
        for _ in range(200):
            level = 0.8 * level + chance.gauss(0, 0.1)
            number = chance.randint(1, 2000)
            rate = min(max(0.05 + 0.2 * level, 0.0), 1.0)
            shares.append(round(number * rate) / number)
            cases.append(float(number))
        low, high = pooled_interval(shares, cases, 0.9)
        bad = sum(map(operator.mul, shares, cases))
        first, last = wilson_interval(bad, sum(cases), 0.9)
        truth = 0.05 + 0.00093  # what is cut off below 0, on average
        wrong += not low <= truth <= high
        naive += not first <= truth <= last
    assert wrong <= 0.2 * days
    assert naive > 2 * wrong


def test_a_pooled_share_is_never_surer_than_independent_cases_are() -> None:
    shares, cases = [0.0] * 100, [10.0] * 100
    assert pooled_interval(shares, cases, 0.95) == wilson_interval(0, 1000, 0.95)
    assert pooled_interval([0.5] * 39, [10.0] * 39, 0.95) == (0.0, 1.0)
    assert pooled_interval([0.5] * 40, [0.0] * 40, 0.95) == (0.0, 1.0)


def test_students_quantile() -> None:
    assert student(0.95, 19) == pytest.approx(2.0930, abs=1e-3)
    assert student(0.95, 10**9) == pytest.approx(NormalDist().inv_cdf(0.975))


def counted(cadence: Cadence, runs: list[tuple[float, bool]]) -> list[bool]:
    """Whether each counted run failed, of (moment, whether it failed)."""
    found, failed = [], False
    for at, fails in runs:
        if cadence.counts(at, after_failure=failed):
            found.append(fails)
        failed = fails
    return found


def test_repetitions_of_a_failure_are_not_counted() -> None:
    runs = [(0.0, False), (900.0, False), (1800.0, True)]
    runs += [(1800.0 + 30 * each, True) for each in range(1, 60)]  # until 3570
    runs += [(3600.0, False), (4500.0, False)]
    assert counted(Cadence(900.0), runs) == [False, False, True, True, False, False]


def test_every_turn_counts_once_whatever_was_triggered_between() -> None:
    runs = [(each * 60.0 + 0.3 * (each % 3), False) for each in range(50)]
    runs += [(each * 60.0 + 20, False) for each in range(10, 20)]
    assert len(counted(Cadence(60.0), sorted(runs))) == 50


def test_after_a_restart_the_turns_are_others() -> None:
    runs = [(each * 60.0, False) for each in range(10)]
    runs += [(5000.0 + 17 + each * 60.0, False) for each in range(10)]
    assert len(counted(Cadence(60.0), runs)) == 20


def test_a_clock_that_is_set_back_loses_no_turns() -> None:
    runs = [(10_000 + each * 60.0, False) for each in range(10)]
    runs += [(5000.0 + each * 60.0, False) for each in range(10)]
    assert len(counted(Cadence(60.0), runs)) == 20
