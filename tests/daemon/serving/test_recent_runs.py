"""The newest runs of a check are there after a restart, with their phases."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from probe.core.causes import Cause
from probe.core.model import Failure, Result, Status
from probe.daemon.serving.recent_runs import MAX_RUNS, WRITTEN_TOGETHER, RecentRuns
from tests.history.history_builders import database, opened
from tests.history.period_builders import NOON


def run_of(check: str, number: int = 0, failure: Failure | None = None) -> Result:
    """A run that began so many seconds after noon."""
    at = datetime.fromtimestamp(NOON + number, UTC)
    status = Status.OK if failure is None else Status.FAILED
    phases = {"dns": 0.01, "connect": 0.2}
    return Result(check, status, at, 0.21, phases, failure=failure)


async def test_runs_are_there_after_a_restart_and_newer_ones_come_first(tmp_path: Path) -> None:
    failure = Failure("connect", Cause.CONNECT_REFUSED, "refused", "")
    async with opened(tmp_path) as history:
        runs = RecentRuns()
        await runs.restore(history)
        runs.keep(["a", "b"])
        runs.add(run_of("a", 1, failure))
        runs.add(run_of("b"))
        await runs.store()
        before = runs.of("a")
    async with opened(tmp_path) as history:
        restored = RecentRuns()
        await restored.restore(history)
        restored.keep(["a", "b"])
        assert restored.of("a") == before
        assert before[0].phases == (("dns", 0.01), ("connect", 0.2))
        assert (before[0].phase, before[0].cause) == ("connect", "connect_refused")
        restored.add(run_of("a", 2))
        assert [run.at - NOON for run in restored.of("a")] == [2.0, 1.0]


async def test_checks_that_are_gone_and_old_runs_are_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        runs = RecentRuns()
        await runs.restore(history)
        for number in range(MAX_RUNS + 5):
            runs.add(run_of("a", number))
        runs.add(run_of("gone"))
        await runs.store()
        runs.keep(["a"])
        runs.add(run_of("a", 99))
        await runs.store()
    async with opened(tmp_path) as history:
        restored = RecentRuns()
        await restored.restore(history)
        assert len(restored.of("a")) == MAX_RUNS
        assert restored.of("gone") == ()


async def test_a_document_that_makes_no_sense_leaves_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        runs = RecentRuns()
        await runs.restore(history)
        runs.keep(["a", "b"])
        runs.add(run_of("a"))
        runs.add(run_of("b"))
        await runs.store()
        db = database(tmp_path)
        db.execute("UPDATE newest_runs SET document = '[{]' WHERE check_name = 'a'")
        db.close()
        restored = RecentRuns()
        await restored.restore(history)
        assert (restored.of("a"), len(restored.of("b"))) == ((), 1)


async def test_others_run_while_many_are_stored_and_what_was_cut_off_is_stored_at_the_end(
    tmp_path: Path,
) -> None:
    names = [f"c{number}" for number in range(3 * WRITTEN_TOGETHER)]
    async with opened(tmp_path) as history:
        runs = RecentRuns()
        await runs.restore(history)
        runs.keep(names)
        for name in names:
            runs.add(run_of(name))
        cut_off = asyncio.create_task(runs.store())
        await asyncio.sleep(0)
        assert not cut_off.done()
        cut_off.cancel()
        await asyncio.wait({cut_off})
        storing = asyncio.create_task(runs.store())
        await asyncio.sleep(0)
        assert not storing.done()
        runs.add(run_of("c0", 7))  # meanwhile
        await storing
        await runs.store()
    async with opened(tmp_path) as history:
        restored = RecentRuns()
        await restored.restore(history)
        assert all(len(restored.of(name)) == 1 for name in names[1:])
        assert [run.at - NOON for run in restored.of("c0")] == [7.0, 0.0]
