"""What waits for a receiver is held back by a silence or window that begins meanwhile."""

import pytest

from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Run, Simulation
from tests.simulation.test_simulation import memory_folder

SUPPRESSED = [("silence", 2000.0), ("window", 2000.0), ("silence", 3500.0)]


def _play(*faults: Fault) -> Run:
    with memory_folder() as folder:
        scenario = Scenario(0, ("a", "b"), tuple(sorted(faults, key=lambda f: f.start)), 6000.0)
        return Simulation(scenario, folder).play()


def _sent(run: Run, receiver: str) -> list[tuple[str, float]]:
    found = run.receivers[receiver].incidents
    return [(each.message.occasion.value, each.at) for each in found]


@pytest.mark.parametrize(("kind", "end"), SUPPRESSED)
def test_a_page_that_waits_is_sent_after_the_silence_if_it_is_still_true(
    kind: Kind, end: float
) -> None:
    run = _play(
        Fault("outage", "a", 100.0, 3000.0),
        Fault("refuse", "pager", 0.0, 1200.0),
        Fault(kind, "a", 600.0, end),
    )
    assert violations(run) == []
    sent = _sent(run, "pager")
    if end < 3000.0:
        assert [occasion for occasion, _ in sent] == ["firing", "resolved"]
        assert end <= sent[0][1] <= end + 60.0
    else:
        # It was attempted, and may have arrived.
        assert [occasion for occasion, _ in sent] == ["resolved"]
    assert [occasion for occasion, _ in _sent(run, "chat")] == ["firing", "resolved"]


def test_another_check_that_is_not_silenced_pages_meanwhile() -> None:
    run = _play(
        Fault("outage", "a", 100.0, 4500.0),
        Fault("refuse", "pager", 0.0, 700.0),
        Fault("silence", "a", 600.0, 4400.0),
        Fault("outage", "b", 2000.0, 3000.0),
    )
    assert violations(run) == []
    assert [
        (each.message.key, each.message.occasion.value) for each in run.receivers["pager"].incidents
    ][:2] == [("b", "firing"), ("b", "resolved")]


def test_what_is_held_back_is_no_receiver_that_accepts_nothing() -> None:
    """No report says that the pager fails: nothing was sent to it."""
    run = _play(
        Fault("outage", "a", 100.0, 3000.0),
        Fault("refuse", "pager", 0.0, 660.0),
        Fault("silence", "a", 150.0, 2500.0),
    )
    assert violations(run) == []
    occasions = [each.message.occasion.value for each in run.receivers["chat"].received]
    assert "note" not in occasions


@pytest.mark.parametrize("restart", [None, 950.0, 1015.0])
def test_a_silence_that_has_begun_holds_on_when_the_clock_is_set_back_before_its_start(
    restart: float | None,
) -> None:
    faults = [
        Fault("silence", "a", 900.0, 2500.0),
        Fault("step", "clock", 1000.0, 6000.0, size=-900.0),
        Fault("outage", "a", 1100.0, 2000.0),
    ]
    if restart is not None:
        faults.append(Fault("kill", "process", restart, 6000.0))
    run = _play(*faults)
    assert _sent(run, "pager") == []
    assert _sent(run, "chat") == []
