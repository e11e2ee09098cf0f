"""A percentile that is kept says what ``evaluate`` says of all samples."""

import math
import random

import pytest
from msgspec.structs import replace

from alerts.evaluation.check_state import CheckStates
from alerts.evaluation.verdict import evaluate
from probe.core.model import Aggregation, Limits, LimitSide, Sample, Threshold
from probe.core.thresholds import thresholds_of
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

WINDOW = 300.0
SLOW = Threshold(
    TOY_SECONDS,
    Limits(objective=0.3, warning=0.6, critical=0.9),
    aggregation=Aggregation.P95,
    window=WINDOW,
    minimum_samples=4,
)


def drawn(chance: random.Random, odd: float) -> Sample:
    """A sample as a run brings it; ``odd`` is the share of those that are not plain."""
    plain = Sample(TOY_SECONDS, round(chance.random(), 1), disturbed=chance.random() < 0.2)
    if chance.random() >= odd:
        return plain
    return chance.choice(
        [
            replace(plain, value=math.nan),
            replace(plain, value=math.inf),
            replace(plain, labels={"place": "there"}),
            replace(plain, values=(0.1, 0.95, 2.0)),
        ]
    )


@pytest.mark.parametrize("odd", [0.0, 0.1])
@pytest.mark.parametrize("bad", list(LimitSide))
def test_every_verdict_is_the_one_of_the_samples_within_the_window(
    odd: float, bad: LimitSide
) -> None:
    threshold = replace(SLOW, bad=bad)
    chance = random.Random(7)
    states = CheckStates()
    check = toy(kind=toy_kind(thresholds=(threshold,)))
    states.set_checks([check])
    (threshold,) = thresholds_of(check)
    assert threshold.window == WINDOW
    kept: list[tuple[float, Sample]] = []
    found = set()
    at = 0.0
    for _ in range(400):
        at += chance.choice([5.0, 20.0, 20.0, 120.0])
        sample = drawn(chance, odd)
        kept.append((at, sample))
        states.update(replace(result_of("toy"), samples=(sample,)), at, at)
        within = [each for when, each in kept if when >= at - WINDOW]
        state = states.state("toy")
        assert state is not None
        assert list(state.evaluations) == evaluate("toy", threshold, within)
        found |= {each.verdict for each in state.evaluations}
    assert len(found) >= (4 if bad is LimitSide.ABOVE else 2)
