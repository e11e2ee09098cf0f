"""A process that is killed at any moment loses at most its last second of history."""

import asyncio
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from probe.history import Bounds, History

ROOT = Path(__file__).parent.parent
AT_MOST_LOST_SECONDS = 1.0


async def write_and_die(folder: Path, first: int, size: int, lifetime: float) -> list[int]:
    """Numbers that were added by a process more than a second before it was killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.history_writer", str(folder), str(first), str(size)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    head = await process.stdout.readline()
    rest = asyncio.create_task(process.stdout.read())
    with pytest.raises(TimeoutError):  # it never ends by itself
        await asyncio.wait_for(process.wait(), lifetime)
    killed_at = time.monotonic()
    process.kill()
    lines = [line.split() for line in (head + await rest).splitlines(keepends=True)]
    await process.wait()
    return [
        int(line[0])
        for line in lines[:-1]  # the last one may be cut off
        if float(line[1]) < killed_at - AT_MOST_LOST_SECONDS
    ]


async def numbers_in(folder: Path, size: int) -> list[int]:
    """What is kept, in the order of writing, after a look at the file's integrity."""
    history = await History.open(folder, bounds=Bounds(bytes=size), flush_seconds=3600)
    kept = await history.recent(0.0, most=10**9)
    state = history.state
    await history.close()
    assert (state.persistent, state.problem) == (True, "")
    with closing(sqlite3.connect(folder / "history.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return [int(entry.value) for entry in kept if entry.value is not None]


async def kill_again_and_again(folder: Path, kills: int) -> int:
    """How many entries there are in the end."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    lifetimes = random.Random(seed)
    size = kills << 20  # small, so that the log is folded into the file often
    expected: list[int] = []
    kept: list[int] = []
    for _ in range(kills):
        first = (kept or [-1])[-1] + 1
        expected += await write_and_die(folder, first, size, lifetimes.uniform(1.05, 2.5))
        kept = await numbers_in(folder, size)
        assert kept == sorted(set(kept)), "in order, nothing twice"
        assert kept == list(range(len(kept))), "no gaps"
        assert set(expected) <= set(kept), "all that was added a second before the end"
    return len(kept)


async def test_history_outlives_the_process_being_killed(leaks: None, tmp_path: Path) -> None:
    assert await kill_again_and_again(tmp_path, 5) > 1000


@pytest.mark.proof
async def test_history_outlives_fifty_kills(tmp_path: Path) -> None:
    count = await kill_again_and_again(tmp_path, 50)
    print(f"50 kills, {count} entries, none missing that was added a second before")
