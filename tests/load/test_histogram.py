"""Latencies in HDR histograms, merged and corrected."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.load.measurement.histogram import LatencyHistogram


def of(values: list[float]) -> LatencyHistogram:
    found = LatencyHistogram()
    for value in values:
        found.record(value)
    return found


def test_without_a_value_there_is_no_quantile() -> None:
    empty = LatencyHistogram()
    assert (empty.quantile(0.95), empty.maximum, empty.mean, empty.count) == (None,) * 3 + (0,)


@settings(max_examples=25)
@given(st.lists(st.floats(1e-6, 3000), min_size=1, max_size=60), st.sampled_from((0.5, 0.95, 1)))
def test_a_quantile_is_right_to_three_digits(values: list[float], share: float) -> None:
    found = of(values).quantile(share)
    # HDR histograms take the nearest rank.
    rank = max(int(share * len(values) + 0.5), 1)
    assert found == pytest.approx(sorted(values)[rank - 1], rel=2e-3, abs=2e-6)


@settings(max_examples=25)
@given(st.lists(st.floats(1e-6, 10), max_size=40), st.lists(st.floats(1e-6, 10), max_size=40))
def test_merged_histograms_are_those_of_all_values(one: list[float], other: list[float]) -> None:
    whole = of(one)
    whole.add(LatencyHistogram.load(of(other).dump()))
    expected = of(one + other)
    assert whole.count == expected.count
    assert [whole.quantile(q / 20) for q in range(21)] == [
        expected.quantile(q / 20) for q in range(21)
    ]
    assert whole.maximum == expected.maximum


def test_what_is_longer_than_an_hour_counts_as_an_hour() -> None:
    found = of([1e9, float("1e-12"), -5.0])
    assert found.maximum == pytest.approx(3600, rel=1e-3)
    assert found.count == 3


@pytest.mark.parametrize("text", ["", "x", "AAAA", "HISTFAAAACB4nGNgYGBgZGBgYGJg4GBg4GBgYGBg"])
def test_what_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no HDR histogram"):
        LatencyHistogram.load(text)


def test_a_standstill_that_hid_99_of_100_questions_is_corrected() -> None:
    """G. Tene's example: 100 s at 1 ms, then one answer that takes 100 s."""
    found = of([0.001] * 10_000 + [100.0])
    assert found.quantile(0.95) == pytest.approx(0.001, rel=0.01)
    corrected = found.corrected(0.01)
    assert corrected.count == pytest.approx(20_000, rel=0.01)
    assert corrected.quantile(0.49) == pytest.approx(0.001, rel=0.01)
    assert corrected.quantile(0.75) == pytest.approx(50.0, rel=0.02)
    assert found.count == 10_001, "the measured values stay as they are"


def test_correcting_changes_nothing_where_nothing_was_hidden() -> None:
    values = [random.uniform(0.001, 0.02) for _ in range(500)]
    assert of(values).corrected(0.05).quantile(0.95) == of(values).quantile(0.95)
