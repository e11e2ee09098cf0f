"""What a process sent before everything stored was lost is resolved, also where its trigger by the
next process was refused for good."""

import pytest

from tests.simulation.faults import Fault, Scenario
from tests.simulation.test_simulation import wrong_with

END = 2 * 3600.0
CHECKS = ("check-0", "check-1", "check-2")


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
