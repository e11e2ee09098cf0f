"""The wall clock is set while the monitor runs, and the monitor is started anew: everything that is
open goes on, in the order and with the durations that it had. Of a machine that is suspended, or
without a network of its own, nothing is reported that ended meanwhile."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alerts.model import MessageType
from alerts.outbox.schema import FILE
from tests.simulation.faults import HOUR, Fault, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import RETRY, Run, Simulation
from tests.simulation.test_simulation import memory_folder

CRASH, REBOOT = 0.0, 1.0
STEPS = [-5 * HOUR, 30 * 86400.0]
# Both directions, both ways to start anew: each in one combination, all of them in proof.
SOME = pytest.mark.parametrize(
    ("seconds", "kind"), list(zip(STEPS, (CRASH, REBOOT), strict=True)), ids=["back", "ahead"]
)


def _lose_database(folder: Path) -> None:
    for path in folder.glob(f"{FILE}*"):
        path.unlink()


def _lose_journal(folder: Path) -> None:
    for path in folder.glob("*.journal"):
        path.unlink()


def _lose_nothing(folder: Path) -> None:
    pass


def _play(*faults: Fault, between: Callable[[Path], None] = _lose_nothing) -> Run:
    with memory_folder() as folder:
        run = Simulation(Scenario(0, ("a",), faults, 1.2 * HOUR), folder, between=between).play()
    assert not run.errors
    return run


def _messages(run: Run, receiver: str) -> list[tuple[str, float]]:
    found = run.receivers[receiver].incidents
    return [(each.message.occasion.value, each.at) for each in found]


@pytest.mark.parametrize(
    ("seconds", "kind", "lose"),
    [
        (STEPS[0], REBOOT, _lose_nothing),
        (STEPS[1], REBOOT, _lose_database),
        (STEPS[0], CRASH, _lose_database),
        (STEPS[1], CRASH, _lose_journal),
    ],
)
def test_an_incident_over_a_step_and_a_restart_is_resolved_at_once(
    seconds: float, kind: float, lose: Callable[[Path], None]
) -> None:
    run = _play(
        Fault("outage", "a", 100.0, 1500.0),
        Fault("step", "clock", 1000.0, 2 * HOUR, size=seconds),
        Fault("kill", "process", 1010.0, 1010.0, size=kind),
        between=lose,
    )
    for receiver in ("pager", "chat"):
        messages = _messages(run, receiver)
        assert [occasion for occasion, _ in messages] == ["firing", "resolved"], receiver
        assert messages[-1][1] < 1500.0 + 6 * RETRY


@SOME
def test_what_waits_for_a_receiver_leaves_when_it_is_back(seconds: float, kind: float) -> None:
    run = _play(
        Fault("outage", "a", 100.0, 3000.0),
        Fault("refuse", "pager", 0.0, 1200.0),
        Fault("step", "clock", 1000.0, 2 * HOUR, size=seconds),
        Fault("kill", "process", 1010.0, 1010.0, size=kind),
    )
    messages = _messages(run, "pager")
    assert [occasion for occasion, _ in messages] == ["firing", "resolved"]
    assert messages[0][1] < 1200.0 + 310.0


@SOME
def test_a_refused_resolve_is_sent_again(seconds: float, kind: float) -> None:
    run = _play(
        Fault("outage", "a", 100.0, 900.0),
        Fault("reject", "pager", 905.0, 1200.0),
        Fault("step", "clock", 1000.0, 2 * HOUR, size=seconds),
        Fault("kill", "process", 1010.0, 1010.0, size=kind),
    )
    messages = _messages(run, "pager")
    assert [occasion for occasion, _ in messages] == ["firing", "resolved"]
    assert messages[-1][1] < 1900.0


@SOME
def test_two_short_failures_with_a_step_between_make_no_page(seconds: float, kind: float) -> None:
    run = _play(
        Fault("outage", "a", 119.0, 125.0),
        Fault("step", "clock", 126.0, 2 * HOUR, size=seconds),
        Fault("kill", "process", 128.0, 128.0, size=kind),
        Fault("outage", "a", 133.0, 136.0),
    )
    assert _messages(run, "pager") == []
    assert _messages(run, "chat") == []


@pytest.mark.parametrize("seconds", STEPS)
def test_a_second_step_after_the_restart_changes_nothing(seconds: float) -> None:
    run = _play(
        Fault("outage", "a", 100.0, 2500.0),
        Fault("step", "clock", 1000.0, 2 * HOUR, size=seconds),
        Fault("kill", "process", 1010.0, 1010.0, size=REBOOT),
        Fault("step", "clock", 1500.0, 2 * HOUR, size=-seconds),
        Fault("kill", "process", 2000.0, 2000.0, size=CRASH),
    )
    messages = _messages(run, "chat")
    assert [occasion for occasion, _ in messages] == ["firing", "resolved"]
    assert messages[-1][1] < 2500.0 + 6 * RETRY
    firing = run.receivers["chat"].incidents[-1].message
    assert firing.occasion is MessageType.RESOLVED
    # By the clock of the end, which is right again, it took as long as it did.
    assert abs((firing.at - firing.since) - 2400.0) < 5 * RETRY


@pytest.mark.parametrize(
    "faults",
    [
        (),
        (Fault("kill", "process", 900.0, 900.0, size=REBOOT),),
        (Fault("kill", "process", 1005.0, 1005.0, size=CRASH),),
        (Fault("full", "all", 350.0, 700.0),),
    ],
    ids=["running", "restart before", "restart after", "full disk"],
)
def test_a_silence_that_has_ended_does_not_hold_again_when_the_clock_is_set_back(
    faults: tuple[Fault, ...],
) -> None:
    outage = Fault("outage", "a", 1010.0, 1600.0)
    run = _play(
        Fault("silence", "a", 100.0, 400.0),
        Fault("step", "clock", 1000.0, 2 * HOUR, size=-850.0),
        outage,
        *faults,
    )
    assert violations(run) == []
    for receiver in ("pager", "chat"):
        messages = _messages(run, receiver)
        assert [occasion for occasion, _ in messages] == ["firing", "resolved"], receiver
        # While the silence would hold by the clock.
        assert messages[0][1] < 1250.0


@pytest.mark.proof
@pytest.mark.parametrize("seconds", [*STEPS, -30 * 86400.0, -90.0, 3 * HOUR])
@pytest.mark.parametrize("kind", [CRASH, REBOOT], ids=["restart", "reboot"])
def test_the_same_of_all_steps(seconds: float, kind: float) -> None:
    for lose in (_lose_nothing, _lose_database, _lose_journal):
        test_an_incident_over_a_step_and_a_restart_is_resolved_at_once(seconds, kind, lose)
    test_what_waits_for_a_receiver_leaves_when_it_is_back(seconds, kind)
    test_a_refused_resolve_is_sent_again(seconds, kind)
    test_two_short_failures_with_a_step_between_make_no_page(seconds, kind)
    test_a_second_step_after_the_restart_changes_nothing(seconds)


def _all_day(faults: tuple[Fault, ...], receiver: str) -> list[str]:
    """What a receiver is sent of a day with these faults."""
    with memory_folder() as folder:
        run = Simulation(Scenario(0, ("a", "b"), faults, 6000.0), folder).play()
    assert violations(run) == []
    return [each.message.occasion.value for each in run.receivers[receiver].incidents]


@pytest.mark.parametrize("receiver", ["pager", "chat"])
@pytest.mark.parametrize(
    "silent",
    [
        Fault("network", "own", 1000.0, 1900.0),
        Fault("suspend", "clock", 1000.0, 6000.0, size=900.0),
        Fault("suspend", "clock", 1000.0, 6000.0, size=9000.0),
    ],
)
def test_checks_that_could_not_run_have_no_lack_of_data(silent: Fault, receiver: str) -> None:
    assert _all_day((silent,), receiver) == []


@pytest.mark.parametrize("receiver", ["pager", "chat"])
@pytest.mark.parametrize("size", [600.0, 9000.0])
def test_an_outage_that_ends_in_a_suspension_is_resolved_and_no_news(
    size: float, receiver: str
) -> None:
    begins, falls_asleep = Fault("outage", "a", 1000.0, 1400.0), 1400.0
    asleep = Fault("suspend", "clock", falls_asleep, 6000.0, size=size)
    assert _all_day((begins, asleep), receiver) == ["firing", "resolved"]


@pytest.mark.parametrize("receiver", ["pager", "chat"])
def test_what_was_seen_to_fail_once_before_a_suspension_is_no_page_after_it(receiver: str) -> None:
    """The check runs at 961 and 1081: it is seen to fail, and works when the machine wakes up."""
    fails = Fault("outage", "a", 960.0, 965.0)
    asleep = Fault("suspend", "clock", 965.0, 6000.0, size=9000.0)
    assert _all_day((fails, asleep), receiver) == []
