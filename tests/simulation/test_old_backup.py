"""Files that are not of the same time: an old backup of the alerts' database is put back between
two lives of the monitor, or the journal's disk fails while the database goes on being written."""

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
# The journal fails, and an outage ends.
FAILS, ENDS = 300.0, 500.0


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


def _sent(*faults: Fault, seconds: float = 3000.0) -> dict[str, list[str]]:
    with memory_folder() as folder:
        run = Simulation(Scenario(0, ("a", "b"), faults, seconds), folder).play()
    assert violations(run) == []
    return {
        name: [f"{each.message.key} {each.message.occasion}" for each in receiver.incidents]
        for name, receiver in run.receivers.items()
    }


@pytest.mark.parametrize("disk", ["broken", "stalled"])
@pytest.mark.parametrize("kill", ["kill", "stop"])
@pytest.mark.parametrize("works_again", [ENDS + 150.0, ENDS + 500.0])
def test_an_end_that_the_journal_lacks_is_sent_once(
    disk: Kind, kill: Kind, works_again: float
) -> None:
    """``works_again``: before the next process starts, or while it runs."""
    sent = _sent(
        Fault("outage", "a", 100.0, ENDS),
        Fault(disk, "journal", FAILS, works_again),
        Fault(kill, "process", ENDS + 149.0, ENDS + 149.0),
    )
    assert sent == {name: ["a firing", "a resolved"] for name in ("pager", "chat")}


@pytest.mark.parametrize("kill", ["kill", "stop"])
def test_what_began_and_ended_without_the_journal_is_over(kill: Kind) -> None:
    """The second incident of a key begins and ends while the journal has the first one open."""
    sent = _sent(
        Fault("outage", "a", 100.0, ENDS),
        Fault("broken", "journal", FAILS, 1900.0),
        Fault("outage", "a", 1000.0, 1500.0),
        Fault(kill, "process", 1800.0, 1800.0, size=4),
        seconds=4000.0,
    )
    assert sent == {name: ["a firing", "a resolved"] * 2 for name in ("pager", "chat")}


@pytest.mark.parametrize("kill", ["kill", "stop"])
def test_what_is_still_open_goes_on_beside_what_the_journal_lacks(kill: Kind) -> None:
    sent = _sent(
        Fault("outage", "a", 100.0, ENDS),
        Fault("outage", "b", 1000.0, 2200.0),
        Fault("broken", "journal", FAILS, 1300.0),
        Fault(kill, "process", 1250.0, 1250.0, size=3),
        seconds=4000.0,
    )
    expected = ["a firing", "a resolved", "b firing", "b resolved"]
    assert sent == dict.fromkeys(("pager", "chat"), expected)
