"""Figures agree with values worked out by hand, and with what must always hold."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.turn.statistics import EchoLog, jitter, median, quantile

TIMES = st.floats(min_value=-1e6, max_value=1e6)


def test_jitter_follows_rfc_3550() -> None:
    # |D| = 16, 0, 16: J = 1, then 1 - 1/16, then 15/16 + (16 - 15/16)/16.
    assert jitter([100, 116, 116, 100]) == pytest.approx(15 / 16 + (16 - 15 / 16) / 16)


@pytest.mark.parametrize("transits", [[], [5.0], [5.0, 5.0, 5.0]])
def test_without_a_change_there_is_no_jitter(transits: list[float]) -> None:
    assert jitter(transits) == 0.0


@given(st.lists(TIMES, max_size=50), TIMES)
def test_a_difference_of_clocks_does_not_count_as_jitter(
    transits: list[float], offset: float
) -> None:
    shifted = [transit + offset for transit in transits]
    assert jitter(shifted) == pytest.approx(jitter(transits), abs=1e-6)


@given(st.lists(TIMES, min_size=2, max_size=50))
def test_jitter_is_never_more_than_the_largest_change(transits: list[float]) -> None:
    largest = max(abs(b - a) for a, b in itertools.pairwise(transits))
    assert 0 <= jitter(transits) <= largest


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(20, 0, -1)]
    assert quantile(values, 0.95) == 19
    assert quantile(values, 0) == 1
    assert quantile(values, 1) == 20
    assert quantile([7.0], 0.95) == 7
    assert median(values) == 10.5


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_a_quantile_of_nothing_is_a_mistake(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="a quantile needs"):
        quantile(values, share)


@given(st.lists(TIMES, min_size=1, max_size=60), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_reached_by_its_share(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(share * len(values))


def test_every_fate_of_an_echo_is_counted_apart() -> None:
    ledger = EchoLog()
    for number in range(6):
        ledger.mark_sent(number, number / 10)
    ledger.mark_received(0, 0.05)
    ledger.mark_received(2, 0.25)
    ledger.mark_received(1, 0.26)  # overtaken
    ledger.mark_received(2, 0.27)  # again
    ledger.mark_received(99, 0.3)  # nobody's
    ledger.close()
    ledger.mark_received(3, 2.0)  # too late
    ledger.mark_received(3, 2.1)  # and again
    assert ledger.rtts == pytest.approx({0: 0.05, 2: 0.05, 1: 0.16})
    assert (ledger.late, ledger.duplicates, ledger.reordered) == (1, 2, 1)
    assert ledger.loss == pytest.approx(0.5)
    assert not ledger.is_complete


def test_nothing_sent_is_no_loss_of_zero() -> None:
    assert EchoLog().loss is None


@given(
    st.integers(min_value=1, max_value=30),
    st.lists(st.integers(min_value=0, max_value=40), max_size=80),
    st.lists(st.integers(min_value=0, max_value=40), max_size=20),
)
def test_accounts_always_add_up(sent: int, arrivals: list[int], late: list[int]) -> None:
    ledger = EchoLog()
    for number in range(sent):
        ledger.mark_sent(number, 0.0)
    for number in arrivals:
        ledger.mark_received(number, 1.0)
    ledger.close()
    for number in late:
        ledger.mark_received(number, 2.0)
    ours = [number for number in arrivals + late if number < sent]
    assert len(ledger.rtts) + ledger.late + ledger.duplicates == len(ours)
    assert set(ledger.rtts) == {number for number in arrivals if number < sent}
    assert ledger.loss == 1 - len(ledger.rtts) / sent
