"""What is made of a signal's values, by its unit and the side on which they are bad."""

import pytest

from probe.core.model import Limits, LimitSide, Signal, Threshold, Unit
from probe.gate.objectives import Statistic, statistic_of
from probe.telemetry.app_signals import CHANNELS, THRESHOLDS

COUNT = Signal("probe_restarts", Unit.COUNT, "Restarts.")


@pytest.mark.parametrize(
    ("bad", "statistic"),
    [(LimitSide.ABOVE, Statistic.INCREASE), (LimitSide.BELOW, Statistic.TIME)],
)
def test_what_there_has_to_be_enough_of_need_not_rise(bad: LimitSide, statistic: Statistic) -> None:
    """A backend with its three Redis channels all day was rolled back: they rose by 0."""
    assert statistic_of(COUNT, Threshold(COUNT, Limits(objective=3.0), bad=bad)) is statistic


def test_the_channels_of_the_application_are_such_a_count() -> None:
    (threshold,) = (each for each in THRESHOLDS if each.signal is CHANNELS)
    assert statistic_of(CHANNELS, threshold) is Statistic.TIME


def test_a_count_without_a_limit_of_its_own_is_a_counter() -> None:
    assert statistic_of(COUNT, None) is Statistic.INCREASE
