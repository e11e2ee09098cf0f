"""An outage far from any other, while processes end, clocks are set and checks are renamed: one
trigger, one resolve, and both say when it began and ended."""

from random import Random

import pytest
from msgspec.structs import replace

from tests.simulation.faults import DISK, Fault, Kind, Scenario, some_fault
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder, wrong_with

BEGINS, AFTER_SECONDS = 300.0, 1800.0
SHORT, ALL = 3, 500
COURSES: dict[str, tuple[Kind, ...]] = {
    "processes": ("kill", "stop", "step", "rename"),
    "disks": ("step", "rename", *DISK),
}


def course(seed: int, kinds: tuple[Kind, ...]) -> Scenario:
    """One outage, with faults of these kinds at its start, in its midst and at its end."""
    random = Random(seed)
    checks = tuple(f"check-{number}" for number in range(random.randint(1, 3)))
    start = BEGINS + random.uniform(0.0, 120.0)
    end = start + random.choice([300.0, 700.0, 1500.0, random.uniform(310.0, 4000.0)])
    outage = Fault("outage", random.choice(checks), start, end)
    faults = [outage]
    for kind in kinds:
        for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
            fault = some_fault(kind, random, checks, end + AFTER_SECONDS)
            at = random.choice([start, end, random.uniform(start, end)]) + random.uniform(-40, 150)
            lasts = max(fault.end - fault.start, 5.0)
            whom = outage.whom if kind == "rename" else fault.whom
            faults.append(replace(fault, whom=whom, start=at, end=at + lasts))
    faults.sort(key=lambda fault: fault.start)
    return Scenario(seed, checks, tuple(faults), end + AFTER_SECONDS)


@pytest.mark.parametrize("kinds", COURSES.values(), ids=COURSES)
@pytest.mark.parametrize(
    "seeds",
    [range(SHORT), pytest.param(range(SHORT, ALL), marks=pytest.mark.nightly)],
    ids=str,
)
def test_an_outage_is_sent_once_with_its_own_times(seeds: range, kinds: tuple[Kind, ...]) -> None:
    assert {seed: wrong for seed in seeds if (wrong := wrong_with(course(seed, kinds)))} == {}


@pytest.mark.parametrize("turns", [0, 3, 8])
@pytest.mark.parametrize("kind", ["kill", "stop"])
def test_a_process_that_ends_at_any_moment_of_a_renaming_makes_no_other_incident(
    kind: Kind, turns: int
) -> None:
    outage = Fault("outage", "a", BEGINS, BEGINS + 900.0)
    renamed = Fault("rename", "a", BEGINS + 400.0, BEGINS + 600.0)
    ends = (
        # The reload comes up to 3 s after the file has changed.
        Fault(kind, "process", BEGINS + 399.9, BEGINS + 6000.0, size=turns),
        Fault(kind, "process", BEGINS + 600.5, BEGINS + 6000.0, size=turns),
    )
    played = Scenario(turns, ("a", "b"), (outage, renamed, *ends), BEGINS + 900.0 + AFTER_SECONDS)
    with memory_folder() as folder:
        run = Simulation(played, folder).play()
    assert violations(run) == []
    assert run.lives == 3
    (first, last) = run.receivers["pager"].incidents
    assert first.message.key == last.message.key
    assert {each.closed for each in last.message.resolved} == {""}
