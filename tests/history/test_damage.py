"""Bits of the history's files flip, they are cut short, overwritten or gone: history opens, answers
whatever it is asked, and keeps what comes next over a restart."""

import logging
import math
import shutil
from pathlib import Path
from random import Random

import pytest

from probe.core.model import Verdict
from probe.history import History
from probe.history.incidents.store import IncidentHistory
from tests.history.history_builders import buckets, keep, opened, uptime_between
from tests.history.incidents.samples import DEPLOY, NOTE, TAKEN, incident, notification
from tests.history.period_builders import DOZEN, NOON, entries, entry
from tests.simulation.damage import spoil

BATCH, SHORT, ALL = 50, 30, 1000
LATER = NOON + 7200.0


@pytest.fixture
async def whole(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a history that was closed, and those of one that was killed."""
    closed, killed = tmp_path / "closed", tmp_path / "killed"
    async with opened(closed) as history:
        await _fill(history)
    async with opened(tmp_path / "open") as history:
        await _fill(history)
        shutil.copytree(tmp_path / "open", killed)
    return closed, killed


async def _fill(history: History) -> None:
    history.begin()
    history.set_checks({"toy": 60.0}, ())
    await keep(history, entries(150, samples=DOZEN))
    await keep(history, entries(60, start=NOON + 1500, verdict=Verdict.CRITICAL))
    store = IncidentHistory(history)
    store.keep(incident())
    store.keep_notification(incident().id, notification())
    assert await store.put_annotation(DEPLOY)
    assert await store.put_note(incident().id, NOTE)
    assert await store.acknowledge(incident().id, TAKEN)


async def _query_everything(history: History) -> None:
    store = IncidentHistory(history)
    await history.recent(-math.inf)
    await history.newest(["toy"])
    await history.last_runs("toy", 20)
    await buckets(history, [NOON, LATER])
    await history.unhealthy_periods(NOON, LATER)
    await history.current_periods()
    await history.series("toy", NOON, LATER, 4)
    await history.prepare_recent(LATER)
    await history.recent_day(LATER)
    await history.uptime(LATER)
    await uptime_between(history, NOON, LATER)
    await store.open()
    await store.get(incident().id)
    await store.newest_by_key(NOON)


def _damaged(seed: int, whole: tuple[Path, Path], folder: Path) -> None:
    random = Random(seed)
    shutil.copytree(random.choice(whole), folder)
    files = sorted(folder.iterdir())
    for path in files if random.random() < 0.3 else random.sample(files, 1):
        spoil(path, random)


async def _check(seed: int, folder: Path) -> None:
    new = entry(LATER, message="after the damage")
    async with opened(folder, now=lambda: LATER) as history:
        await _query_everything(history)
        await keep(history, [new])
        assert history.state.persistent, seed
        assert new in await history.recent(LATER), seed
    async with opened(folder, now=lambda: LATER + 60) as history:
        assert new in await history.recent(LATER), seed
        await _query_everything(history)
        assert history.state.persistent, seed
        assert history.state.lost == 0, seed


async def _check_all(seeds: range, whole: tuple[Path, Path], folder: Path) -> None:
    logging.disable(logging.CRITICAL)
    try:
        for seed in seeds:
            _damaged(seed, whole, folder / str(seed))
            await _check(seed, folder / str(seed))
            shutil.rmtree(folder / str(seed))
    finally:
        logging.disable(logging.NOTSET)


def _batches(count: int) -> list[range]:
    return [range(at, at + BATCH) for at in range(0, count, BATCH)]


async def test_a_damaged_history_opens_answers_and_goes_on(
    whole: tuple[Path, Path], tmp_path: Path
) -> None:
    await _check_all(range(SHORT), whole, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seeds", _batches(ALL), ids=str)
async def test_a_thousand_damaged_histories_open_answer_and_go_on(
    seeds: range, whole: tuple[Path, Path], tmp_path: Path
) -> None:
    await _check_all(seeds, whole, tmp_path)
