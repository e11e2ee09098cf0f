"""A file of the monitor is damaged between two lives: the next one starts, and what was open is
resolved once and not triggered again, for the other file knows it."""

import logging

import pytest

from tests.simulation.damage import damage
from tests.simulation.faults import Fault, Scenario
from tests.simulation.monitor import Simulation
from tests.simulation.test_simulation import memory_folder

BATCH, SHORT, ALL = 10, 10, 1000


def _check(seed: int) -> None:
    ends = 2000.0 if seed % 2 else 395.0
    faults = (
        Fault("outage", "a", 100.0, ends),
        Fault("kill", "process", 400.0, 400.0, size=seed % 7),
    )
    with memory_folder() as folder:
        played = Scenario(seed, ("a",), faults, ends + 900.0)
        run = Simulation(played, folder, between=damage(seed)).play()
    assert not run.errors, seed
    assert run.lives == 2, seed
    for receiver in run.receivers.values():
        occasions = [each.message.occasion.value for each in receiver.incidents]
        assert occasions == ["firing", "resolved"], (seed, receiver.name)


def _batches(count: int) -> list[range]:
    return [range(at, at + BATCH) for at in range(0, count, BATCH)]


@pytest.mark.parametrize("seeds", _batches(SHORT), ids=str)
def test_damaged_files_lose_and_double_nothing(seeds: range) -> None:
    logging.disable(logging.CRITICAL)
    try:
        for seed in seeds:
            _check(seed)
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", _batches(ALL), ids=str)
def test_a_thousand_damaged_files(seeds: range) -> None:
    test_damaged_files_lose_and_double_nothing(seeds)
