"""Messages that wait in a file which a process can't read before the disk works again."""

import pytest

from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder

proof = pytest.mark.proof


@pytest.mark.parametrize("disk", ["full", pytest.param("broken", marks=proof)])
@pytest.mark.parametrize("receiver", ["pager", "chat"])
@pytest.mark.parametrize(
    "outage",
    [
        pytest.param((100.0, 400.0), id="end"),
        pytest.param((100.0, 3000.0), id="page", marks=proof),
        pytest.param((300.0, 700.0), id="both", marks=proof),
    ],
)
def test_what_waited_in_the_file_leaves_once_it_can_be_read(
    disk: Kind, receiver: str, outage: tuple[float, float]
) -> None:
    faults = (
        Fault("outage", "a", *outage),
        Fault("refuse", receiver, 105.0, 1100.0),
        Fault(disk, "outbox", 690.0, 1500.0),
        Fault("stop", "process", 700.0, 700.0, size=5),
    )
    with memory_folder() as folder:
        run = Simulation(Scenario(1, ("a",), faults, 6000.0), folder).play()
    assert violations(run) == []
    assert run.left == 0
