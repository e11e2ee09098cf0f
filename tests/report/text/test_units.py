"""Values for people."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.model import Unit
from probe.report.text.units import ABSENT, DAY, compared, show, show_until


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0, Unit.SECONDS, "0 ms"),
        (0.00025, Unit.SECONDS, "0.25 ms"),
        (0.0481, Unit.SECONDS, "48.1 ms"),
        (0.412, Unit.SECONDS, "412 ms"),
        (0.9999, Unit.SECONDS, "1 s"),
        (1.6487, Unit.SECONDS, "1.65 s"),
        (90.0, Unit.SECONDS, "90 s"),
        (150.0, Unit.SECONDS, "2.5 min"),
        (5400.0, Unit.SECONDS, "1.5 h"),
        (1.5 * DAY, Unit.SECONDS, "1.5 d"),
        (13.99 * DAY, Unit.SECONDS, "13 d"),
        (365 * DAY, Unit.SECONDS, "365 d"),
        (-3 * DAY, Unit.SECONDS, "-3 d"),
        (512.0, Unit.BYTES, "512 B"),
        (268_435_456.0, Unit.BYTES, "268 MB"),
        (999_999.0, Unit.BYTES, "1 MB"),
        (20e9, Unit.BYTES, "20 GB"),
        (0.0, Unit.RATIO, "0 %"),
        (0.975, Unit.RATIO, "97.5 %"),
        (0.0012, Unit.RATIO, "0.12 %"),
        (0.99996, Unit.RATIO, "99.996 %"),
        (1.0, Unit.RATIO, "100 %"),
        (200.0, Unit.COUNT, "200"),
        (12_960.0, Unit.COUNT, "12,960"),
        (1.25, Unit.COUNT, "1.25"),
        (1.0, Unit.BOOLEAN, "yes"),
        (0.0, Unit.BOOLEAN, "no"),
        (1_767_225_600.0, Unit.TIMESTAMP, "2026-01-01 00:00 UTC"),
        (1e300, Unit.TIMESTAMP, ABSENT),
        (math.nan, Unit.SECONDS, ABSENT),
        (math.inf, Unit.COUNT, ABSENT),
    ],
)
def test_a_value_has_few_digits_and_the_unit_that_people_expect(
    value: float, unit: Unit, shown: str
) -> None:
    assert show(value, unit) == shown


def test_a_value_just_beyond_its_limit_is_not_shown_as_the_limit() -> None:
    assert compared(1.0004, 1.0, Unit.SECONDS) == ("1.0004 s", "1 s")
    assert compared(1.2, 1.0, Unit.SECONDS) == ("1.2 s", "1 s")
    assert compared(14.3 * DAY, 14 * DAY, Unit.SECONDS) == ("14.3 d", "14 d")


def test_a_moment_is_shown_by_its_distance() -> None:
    assert show_until(62.5 * DAY, 0.0) == "62 d"
    assert show_until(0.0, 3 * DAY) == "3 d ago"
    assert show_until(math.inf, 0.0) == ABSENT


@given(st.floats(), st.sampled_from(Unit))
def test_every_number_can_be_shown_in_a_few_characters(value: float, unit: Unit) -> None:
    shown = show(value, unit)
    assert shown
    assert len(shown) <= 32
    assert "nan" not in shown
    assert "inf" not in shown
