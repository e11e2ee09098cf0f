"""An old backup of the alerts' database is put back between two lives of the monitor."""

import logging
from collections.abc import Iterator
from random import Random

import pytest

from alerts.model import MessageType
from tests.simulation.damage import roll_back
from tests.simulation.faults import Fault, Kind, Scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Run, Simulation
from tests.simulation.test_simulation import memory_folder

DATABASE, JOURNAL = "alerts.sqlite", "journal"
FIRING = MessageType.FIRING
# Lives end at these times.
SAVED, RESTORED = 700.0, 1600.0


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Without the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(seed: int, stems: tuple[str, ...], *outages: tuple[float, float]) -> Run:
    """Outages from when to when; a copy is made at SAVED and put back at RESTORED."""
    random = Random(seed)
    faults = [Fault("outage", "a", *times) for times in outages]
    kinds: list[Kind] = ["kill", "stop"]
    for at in (SAVED, RESTORED):
        kind = random.choice(kinds)
        faults.append(Fault(kind, "process", at, at, size=random.randrange(9)))
    with memory_folder() as folder:
        played = Scenario(seed, ("a",), tuple(sorted(faults, key=lambda f: f.start)), 4000.0)
        return Simulation(played, folder, between=roll_back(stems, 1, 2)).play()


def story(run: Run, receiver: str) -> list[str]:
    """What a receiver was sent."""
    return [each.message.occasion.value for each in run.receivers[receiver].incidents]


proof = pytest.mark.proof
# Open in the copy and over since; over in the copy and open since; other incidents in both.
STORIES = [
    [(100.0, 900.0), (1100.0, 2000.0)],
    *(
        pytest.param(each, marks=proof)
        for each in (
            [(100.0, 900.0)],
            [(1000.0, 2000.0)],
            [(100.0, 600.0), (1000.0, 2000.0)],
            [(100.0, 900.0), (1000.0, 1500.0)],
            [(100.0, 2200.0)],
            [(690.0, 900.0)],
            [(1590.0, 2100.0)],
            [(690.0, 900.0), (1590.0, 2100.0)],
        )
    ),
]


@pytest.mark.parametrize("outages", STORIES, ids=str)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=proof)])
def test_with_the_journal_nothing_is_lost_doubled_or_left_open(
    seed: int, outages: list[tuple[float, float]]
) -> None:
    run = play(seed, (DATABASE,), *outages)
    assert violations(run) == []
    for receiver in run.receivers:
        assert story(run, receiver) == ["firing", "resolved"] * len(outages)


@pytest.mark.parametrize("outages", STORIES, ids=str)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=proof)])
def test_without_it_nothing_is_left_open_and_nothing_fires_that_works(
    seed: int, outages: list[tuple[float, float]]
) -> None:
    run = play(seed, (DATABASE, JOURNAL), *outages)
    assert violations(run, remembers=False) == []
    for receiver in run.receivers.values():
        for each in receiver.incidents:
            if each.message.occasion is FIRING:
                assert any(start < each.at < end + 60 for start, end in outages)
