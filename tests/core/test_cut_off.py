"""What is said of a run that its deadline ended."""

from collections.abc import Iterator

import pytest

from probe.core.causes import HINTS, Cause
from probe.core.recorder import Recorder


def recorder(*moments: float) -> Recorder:
    """One whose clock says these, one after the other."""
    clock: Iterator[float] = iter(moments)
    return Recorder(lambda: next(clock))


def test_a_target_that_was_silent_gave_no_answer() -> None:
    record = recorder(0.0, 10.0)
    with record.phase("session", hint="See Redis."):
        pass
    assert record.cut_off(10.0) == ("no answer within 10 s", "See Redis.")


@pytest.mark.parametrize(("connected", "said"), [(0.5, "no answer"), (4.0, "not finished")])
def test_a_target_that_answered_slowly_is_not_called_silent(connected: float, said: str) -> None:
    record = recorder(0.0, connected, connected, 10.0)
    with record.phase("connect"):
        pass
    with record.phase("rtt"):
        pass
    assert record.cut_off(10.0) == (f"{said} within 10 s", HINTS[Cause.DEADLINE])


def test_what_was_answered_is_said_and_no_hint_of_silence_given() -> None:
    record = recorder(0.0, 10.0)
    with record.phase("rtt", hint="Events go unanswered."):
        record.progress = "3 of 5 round trips"
    message, hint = record.cut_off(10.0)
    assert message == "only 3 of 5 round trips within 10 s"
    assert hint.startswith("It answers, and slowly")


def test_progress_ends_with_its_phase() -> None:
    record = recorder(0.0, 1.0, 1.0, 10.0)
    with record.phase("rtt"):
        record.progress = "5 of 5 round trips"
    with record.phase("close"):
        pass
    assert record.cut_off(10.0)[0] == "no answer within 10 s"
