"""A process that is killed at any moment loses at most its last second of history."""

import asyncio
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import Struct

from probe.history import History, Retention

ROOT = Path(__file__).parents[2]
AT_MOST_LOST_SECONDS = 1.0
# A disk that is busy with others may take its time: so many times that.
ON_A_BUSY_DISK = 5


class Death(Struct, frozen=True):
    """What a killed process had said: the last number that it said is on the disk, and the
    numbers that it had added a second, or several, before its end."""

    stored: int
    before_last_second: int
    long_before: int


async def write_and_die(folder: Path, first: int, size: int, lifetime: float) -> Death:
    """Have a process write for a while, and kill it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.history.history_writer", str(folder), str(first), str(size)),
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
    # The last line may be cut off.
    lines = [line.split() for line in (head + await rest).splitlines(keepends=True)][:-1]
    await process.wait()

    def added(seconds: float) -> int:
        old = (int(line[0]) for line in lines if float(line[1]) < killed_at - seconds)
        return max(old, default=first - 1)

    stored = first - 1 + int(lines[-1][2])
    return Death(stored, added(AT_MOST_LOST_SECONDS), added(ON_A_BUSY_DISK * AT_MOST_LOST_SECONDS))


async def numbers_in(folder: Path, size: int) -> list[int]:
    """What is kept, in the order of writing, after a look at the file's integrity."""
    history = await History.open(folder, bounds=Retention(bytes=size), flush_seconds=3600)
    kept = await history.recent(0.0, most=10**9)
    state = history.state
    await history.close()
    assert (state.persistent, state.problem) == (True, "")
    with closing(sqlite3.connect(folder / "history.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return [int(entry.value) for entry in kept if entry.value is not None]


class Outcome(Struct, frozen=True):
    """How many entries there are in the end, and how often more than a second of them was lost."""

    entries: int
    late: int


async def kill_again_and_again(folder: Path, kills: int, lifetime: tuple[float, float]) -> Outcome:
    """Each process lives for so many seconds, from the least to the most."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    lifetimes = random.Random(seed)
    size = kills << 20  # small, so that the log is folded into the file often
    kept: list[int] = []
    late = said = 0
    for _ in range(kills):
        first = len(kept)
        death = await write_and_die(folder, first, size, lifetimes.uniform(*lifetime))
        kept = await numbers_in(folder, size)
        assert kept == list(range(len(kept))), "in order, nothing twice, no gaps"
        assert death.stored <= len(kept) - 1, "what it said is on the disk is there"
        assert death.long_before <= len(kept) - 1, "nothing waits for ever"
        said += death.stored >= first
        late += death.before_last_second > len(kept) - 1
    print(f"{kills} kills, {len(kept)} entries; {late} lost more than the last second")
    assert said > kills / 2
    return Outcome(len(kept), late)


async def test_history_outlives_the_process_being_killed(leaks: None, tmp_path: Path) -> None:
    found = await kill_again_and_again(tmp_path, 5, (0.6, 1.4))
    assert found.entries > 1000


@pytest.mark.proof
async def test_history_outlives_fifty_kills(tmp_path: Path) -> None:
    found = await kill_again_and_again(tmp_path, 50, (1.05, 2.5))
    assert found.entries > 10_000
    assert found.late <= 10
