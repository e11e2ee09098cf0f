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
SEEDS, PROOF_SEEDS = 8, 40


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
    """A scenario that still fails, without the faults that it can do without."""
    for fault in failing.faults:
        smaller = failing.without(fault)
        if wrong_with(smaller):
            return shrunk(smaller)
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


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1000, 1000 + PROOF_SEEDS))
def test_hours_of_faults_lose_double_and_leave_nothing(seed: int) -> None:
    check(seed, hours=3.0)
