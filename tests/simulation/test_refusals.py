"""A receiver refuses for good what ends an incident, and then what begins the next one: it is still
told of the end of the first."""

import pytest

from tests.simulation.faults import Fault, Scenario
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
