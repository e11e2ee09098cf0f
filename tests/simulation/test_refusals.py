"""A receiver refuses for good what ends an incident, and then what begins the next one, or what the
next process begins after everything stored was lost: it is sent the end all the same."""

import pytest

from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder, wrong_with

OCCASIONS = ["firing", "resolved"]
END = 2 * 3600.0
CHECKS = ("check-0", "check-1", "check-2")


@pytest.mark.parametrize(
    "faults",
    [
        # The resolve and the second trigger are refused.
        (Fault("reject", "pager", 500.0, 1500.0),),
        # The resolve waits for a receiver that fails, and is refused after the second trigger.
        (Fault("refuse", "pager", 500.0, 1000.0), Fault("reject", "pager", 1000.0, 1500.0)),
        # The same over a restart and a reboot.
        (Fault("reject", "pager", 500.0, 1500.0), Fault("kill", "process", 1000.0, 1e4, size=1)),
        (Fault("reject", "pager", 500.0, 1500.0), Fault("kill", "process", 1300.0, 1e4, size=0)),
    ],
)
def test_what_is_open_at_a_receiver_is_resolved_though_the_next_incident_is_refused(
    faults: tuple[Fault, ...],
) -> None:
    outages = (Fault("outage", "a", 100.0, 600.0), Fault("outage", "a", 900.0, 1400.0))
    with memory_folder() as folder:
        run = Simulation(Scenario(0, ("a",), outages + faults, 3600.0), folder).play()
    assert not run.errors
    found = [each.message.occasion.value for each in run.receivers["pager"].incidents]
    assert found == OCCASIONS


@pytest.mark.parametrize("receiver", ["pager", "chat"])
@pytest.mark.parametrize("disk", ["torn", "stalled"])
def test_an_end_that_was_refused_is_sent_though_all_files_are_read_late(
    disk: Kind, receiver: str
) -> None:
    """Two processes are killed: one before it hears that its first message was taken, one
    after the end of the incident was refused."""
    faults = (
        Fault("full", "outbox", 10442.776, 11059.534),
        Fault("kill", "process", 10587.643, 18900.0, size=10),
        Fault("outage", "check-0", 10904.657, 10974.221),
        Fault("reject", receiver, 11019.229, 11194.710),
        Fault(disk, "all", 11231.274, 11969.870),
        Fault("stop", "process", 11234.450, 18900.0, size=39),
    )
    with memory_folder() as folder:
        played = Scenario(0, ("check-0", "check-1"), faults, 13000.0)
        run = Simulation(played, folder).play()
    assert violations(run) == []


@pytest.mark.parametrize(
    ("check", "until"), [("check-2", 2538.0), ("check-2", 3600.0), ("check-0", 2538.0)]
)
def test_what_was_open_before_everything_was_lost_is_closed_at_the_end(
    check: str, until: float
) -> None:
    faults = (
        Fault("outage", check, 944.8, 2444.8),
        # The pager refuses the next process's trigger, and its resolve, for good.
        Fault("reject", "pager", 2047.0, until),
        # No file can be read when that process starts.
        Fault("torn", "all", 2060.0, 2464.8),
        Fault("kill", "process", 2065.4, 6000.0, 9),
        Fault("step", "clock", 2072.1, 6000.0, 4507.7),
    )
    assert wrong_with(Scenario(20163, CHECKS, faults, END)) == []


@pytest.mark.parametrize(
    ("refused", "unread"),
    [
        # No file can be read for a while; the database can be before the journal.
        (
            "chat",
            (Fault("torn", "journal", 783.0, 1708.0), Fault("full", "outbox", 1077.0, 1586.0)),
        ),
        # The journal can be before the database.
        (
            "chat",
            (Fault("torn", "journal", 783.0, 1450.0), Fault("full", "outbox", 1077.0, 1900.0)),
        ),
        ("pager", (Fault("torn", "all", 783.0, 1708.0),)),
    ],
)
def test_what_was_open_in_files_that_are_read_later_is_closed_though_a_second_trigger_was_refused(
    refused: str, unread: tuple[Fault, ...]
) -> None:
    faults = (
        Fault("outage", "check-0", 100.0, 1500.0),
        *unread,
        Fault("reject", refused, 844.0, 1509.0),
        Fault("stop", "process", 1173.0, 1846.0, 25),
    )
    assert wrong_with(Scenario(20902, CHECKS[:2], faults, END)) == []
