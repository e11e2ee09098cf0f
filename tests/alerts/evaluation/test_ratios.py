"""A ratio breaks a limit only where chance can't explain it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.verdict import evaluate, wilson
from probe.core.model import (
    Aggregation,
    Evaluation,
    Limits,
    Sample,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.report.text.phrases import limit_sentence
from tests.fake_kind import TOY_SECONDS

FALLBACK = Signal("probe_toy_ratio", Unit.RATIO, "A share.", column="share")
SHARE = Threshold(
    FALLBACK, Limits(objective=0.15, warning=0.30), aggregation=Aggregation.RATIO, window=300.0
)


def share(bad: int, total: int) -> Evaluation:
    """So many of so many."""
    values = [1.0] * bad + [0.0] * (total - bad)
    (found,) = evaluate("toy", SHARE, [Sample(FALLBACK, value) for value in values])
    return found


@pytest.mark.parametrize(
    ("bad", "total", "verdict"),
    [
        (1, 1, Verdict.OBJECTIVE_MISSED),
        (2, 4, Verdict.OBJECTIVE_MISSED),
        (38, 100, Verdict.OBJECTIVE_MISSED),
        (40, 100, Verdict.WARNING),
        (16, 100, Verdict.OBJECTIVE_MISSED),
        (15, 100, Verdict.OK),
    ],
)
def test_a_ratio_is_reported_only_when_it_surely_is_beyond(
    bad: int, total: int, verdict: Verdict
) -> None:
    assert share(bad, total).verdict is verdict


def test_a_ratio_shows_its_numerator_and_denominator() -> None:
    assert limit_sentence(share(60, 100)) == "share 60 % (60 of 100) is above 30 %"


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(0.5, 10)
    assert low == pytest.approx(0.2366, abs=1e-4)
    assert high == pytest.approx(0.7634, abs=1e-4)
    assert wilson(0.0, 5)[0] == pytest.approx(0.0, abs=1e-9)
    assert wilson(1.0, 5)[1] == pytest.approx(1.0, abs=1e-9)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_ratio(total: int, data: st.DataObject) -> None:
    ratio = data.draw(st.integers(0, total)) / total
    low, high = wilson(ratio, total)
    assert 0.0 <= low <= ratio + 1e-12
    assert ratio - 1e-12 <= high <= 1.0


COUNTED = Signal("probe_counted_ratio", Unit.RATIO, "A share that somebody else counted.")


def counted(part: float, whole: float) -> Evaluation:
    """How bad one share is of a given number of cases."""
    threshold = Threshold(
        COUNTED, Limits(objective=0.001, warning=0.01, critical=0.05), minimum_samples=20
    )
    (found,) = evaluate("toy", threshold, [Sample(COUNTED, part / whole, {}, whole)])
    return found


@pytest.mark.parametrize(
    ("part", "whole", "verdict"),
    [
        (1, 19, Verdict.UNKNOWN),
        (1, 20, Verdict.OBJECTIVE_MISSED),
        (2, 20, Verdict.WARNING),
        (6, 20, Verdict.CRITICAL),
        (30, 1000, Verdict.WARNING),
        (80, 1000, Verdict.CRITICAL),
        (0, 20, Verdict.OK),
    ],
)
def test_a_share_that_others_counted_is_reported_only_when_chance_can_t_explain_it(
    part: float, whole: float, verdict: Verdict
) -> None:
    assert counted(part, whole).verdict is verdict


@given(st.integers(0, 10_000), st.integers(20, 10_000))
def test_a_share_is_never_reported_milder_of_more_cases(part: int, whole: int) -> None:
    part = min(part, whole)
    order = [Verdict.OK, Verdict.OBJECTIVE_MISSED, Verdict.WARNING, Verdict.CRITICAL]
    few, many = counted(part, whole), counted(part * 10, whole * 10)
    assert order.index(few.verdict) <= order.index(many.verdict)


def test_a_share_is_reported_with_its_denominator() -> None:
    assert limit_sentence(counted(80, 1000)) == "probe_counted_ratio 8 % (80 of 1000) is above 5 %"


def test_a_value_that_others_made_of_too_few_cases_is_not_judged() -> None:
    limits = Limits(objective=0.5, warning=1.0, critical=2.0)
    threshold = Threshold(TOY_SECONDS, limits, minimum_samples=20)
    for total, verdict in ((19.0, Verdict.UNKNOWN), (20.0, Verdict.CRITICAL)):
        (found,) = evaluate("toy", threshold, [Sample(TOY_SECONDS, 9.0, {}, total)])
        assert (found.verdict, found.samples) == (verdict, int(total))
