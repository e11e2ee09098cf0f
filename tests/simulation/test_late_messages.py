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


@pytest.mark.parametrize(
    ("outages", "refused", "disk"),
    [
        # The trigger of an incident that is over waits in the file, and another one is open.
        ([(1574.0, 2012.0), (2370.0, 3870.0)], (1551.0, 2343.0), (1739.0, 2650.0)),
        # Its end does too, which would end the other one.
        ([(1574.0, 2012.0), (2370.0, 3870.0)], (1551.0, 2343.0), (2190.0, 2650.0)),
        # It is over, and nothing else is open.
        ([(1574.0, 2012.0)], (1551.0, 2343.0), (1739.0, 2650.0)),
    ],
)
def test_what_has_been_overtaken_meanwhile_does_not_leave(
    outages: list[tuple[float, float]], refused: tuple[float, float], disk: tuple[float, float]
) -> None:
    faults = (
        *(Fault("outage", "a", *each) for each in outages),
        Fault("refuse", "pager", *refused),
        Fault("full", "all", *disk),
        Fault("stop", "process", 2206.9, 18900.0, size=15),
    )
    with memory_folder() as folder:
        run = Simulation(Scenario(1, ("a", "b"), faults, 6000.0), folder).play()
    assert violations(run) == []
    found = run.receivers["pager"].incidents
    told = [each.message.occasion.value for each in found if each.message.key == "a"]
    assert told.count("firing") == len(outages) - 1
    assert told[-1] == "resolved"
