"""A receiver refuses for good what ends an incident, and then what begins the next one: it is still
told of the end of the first."""

import pytest

from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder

OCCASIONS = ["firing", "resolved"]


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
