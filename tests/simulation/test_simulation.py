"""Whatever goes wrong, in whatever order: each outage is triggered and resolved, once."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.simulation.faults import Scenario, scenario
from tests.simulation.invariants import violations
from tests.simulation.monitor import Simulation

FIRST_SEED = int(os.environ.get("SIMULATION_SEED", "0"))
SEEDS, PROOF_SEEDS, NIGHTLY_SEEDS = 5, 100, 2000
# So many seeds in one test.
BATCH = 20


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder whose disk costs no time."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shm if shm.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def wrong_with(played: Scenario) -> list[str]:
    """What a scenario makes the monitor do wrong."""
    with memory_folder() as folder:
        return violations(Simulation(played, folder).play())


def shrunk(failing: Scenario) -> Scenario:
    """A scenario that still fails, without the faults that it can do without: halves first."""
    size = len(failing.faults) // 2
    while size:
        for place in range(0, len(failing.faults), size):
            smaller = failing.without(*failing.faults[place : place + size])
            if wrong_with(smaller):
                failing = smaller
                break
        else:
            size //= 2
        size = min(size, len(failing.faults))
    return failing


def check(seed: int, hours: float) -> None:
    """Play a seed; a failing one is shrunk and shown."""
    logging.disable(logging.CRITICAL)
    try:
        played = scenario(seed, hours)
        if wrong_with(played):
            small = shrunk(played)
            faults = "\n".join(map(str, small.faults))
            pytest.fail(f"seed {seed}: {wrong_with(small)}\nof {small.checks}, by\n{faults}")
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_an_hour_of_faults_loses_doubles_and_leaves_nothing(seed: int) -> None:
    check(seed, hours=2.0)


def batches(seeds: int) -> list[range]:
    """Seeds from 1,000 on, and from the one that is asked for."""
    first = FIRST_SEED + 1000
    return [range(at, at + BATCH) for at in range(first, first + seeds, BATCH)]


@pytest.mark.proof
@pytest.mark.parametrize("seeds", batches(PROOF_SEEDS), ids=str)
def test_a_hundred_seeds_lose_double_and_leave_nothing(seeds: range) -> None:
    for seed in seeds:
        check(seed, hours=2.0)


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", batches(NIGHTLY_SEEDS), ids=str)
def test_two_thousand_seeds_of_six_hours(seeds: range) -> None:
    for seed in seeds:
        check(seed, hours=6.0)
