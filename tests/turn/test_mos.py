"""The E-model's estimate falls with delay, jitter and loss, within its scale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.turn.statistics import MAX_MOS, MIN_MOS, mean_opinion_score


@pytest.mark.parametrize(
    ("rtt", "jitter", "loss", "low", "high"),
    [
        (0.0, 0.0, 0.0, 4.35, 4.45),
        (0.1, 0.005, 0.0, 4.3, 4.42),
        (0.3, 0.02, 0.0, 4.0, 4.35),
        (0.8, 0.0, 0.0, 2.8, 3.6),
        (0.1, 0.0, 0.05, 3.4, 3.9),
        (0.1, 0.0, 0.2, 1.8, 2.6),
        (3.0, 0.5, 0.9, 1.0, 1.1),
    ],
)
def test_paths_that_are_known(
    rtt: float, jitter: float, loss: float, low: float, high: float
) -> None:
    assert low <= mean_opinion_score(rtt, jitter, loss) <= high


TIMES = st.floats(0, 5)
SHARES = st.floats(0, 1)


@given(TIMES, TIMES, SHARES)
def test_the_score_stays_in_its_scale(rtt: float, jitter: float, loss: float) -> None:
    assert MIN_MOS <= mean_opinion_score(rtt, jitter, loss) <= MAX_MOS


@given(TIMES, TIMES, SHARES, TIMES, SHARES)
def test_worse_is_never_better(
    rtt: float, jitter: float, loss: float, more: float, more_loss: float
) -> None:
    worse = mean_opinion_score(rtt + more, jitter, min(1.0, loss + more_loss))
    # The cubic of the model turns below a rating of 6.5, where nobody understands a word.
    assert worse <= mean_opinion_score(rtt, jitter, loss) + 0.02
