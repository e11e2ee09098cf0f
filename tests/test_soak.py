"""Run after run in one process, nothing grows. The lab is another process."""

import asyncio
import gc
import os
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from probe.app import OnceOptions, run_once
from probe.configuration import Plan, select
from probe.context import Context
from probe.kinds import KINDS
from probe.model import Verdict
from probe.settings import load_settings
from tests.command import start

# What goes on behind the back of the last run ends within this time.
SETTLE_SECONDS = 5.0
# Libraries find the size of their pools and caches in the first runs.
WARM_UP = 10
WINDOW = 50
# What the allocator takes and gives back differs by some MB from one process to the next. A
# leak of 25 kB a run is above the first limit; one of 20 kB, which never levels off, above
# the second.
MOST_GROWTH_BYTES = 10 << 20
MOST_GROWTH_LATER_BYTES = 4 << 20


@pytest.fixture
async def plan(tmp_path: Path) -> AsyncIterator[Plan]:
    """Everything that a lab gives to watch in one run, as fast as we like."""
    arguments = ("lab", "--set", "backend.limits=false", "--write-env", "lab.env")
    lab = await start(*arguments, cwd=tmp_path)
    assert lab.stderr is not None
    await lab.stderr.readline()
    values = dotenv_values(tmp_path / "lab.env")
    environment = {name: value for name, value in values.items() if value is not None}
    yield select(load_settings(KINDS, environment, alone=True).plan, [], [], once=True)
    lab.terminate()
    await lab.communicate()


def descriptors() -> int:
    """How many file descriptors the process has."""
    return len(os.listdir("/proc/self/fd"))


def resident_bytes() -> int:
    """The process' resident memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def settled(tasks: int, open_: int) -> tuple[int, int]:
    """Tasks and descriptors, once they are down to what is expected or time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLE_SECONDS
    while loop.time() < until:
        gc.collect()
        if len(asyncio.all_tasks()) <= tasks and descriptors() <= open_:
            break
        await asyncio.sleep(0.02)
    return len(asyncio.all_tasks()), descriptors()


async def soak(plan: Plan, runs: int) -> list[int]:
    """Run everything ``runs`` times; resident bytes after each run."""
    context = Context()
    tasks = open_ = 0
    memory: list[int] = []
    for number in range(1, runs + 1):
        report = await run_once(plan, OnceOptions(), context=context)
        assert report.verdict is Verdict.OK, report.rows
        memory.append(resident_bytes())
        if number == WARM_UP:
            tasks, open_ = await settled(0, 0)
    tasks_left, open_left = await settled(tasks, open_)
    assert tasks_left <= tasks
    assert open_left <= open_
    assert context.closing.pending == 0
    return memory


async def test_fifty_runs_leave_no_task_and_no_descriptor(plan: Plan) -> None:
    await soak(plan, 50)


@pytest.mark.proof
async def test_five_hundred_runs_grow_nothing_beyond_the_first_fifty(plan: Plan) -> None:
    memory = await soak(plan, 500)
    for first in range(0, len(memory), WINDOW):
        window = memory[first : first + WINDOW]
        low, middle, high = (f(window) / 1e6 for f in (min, statistics.median, max))
        print(f"runs {first + 1:3}-{first + WINDOW}: {low:.1f} {middle:.1f} {high:.1f} MB")
    grown = statistics.median(memory[-WINDOW:]) - max(memory[:WINDOW])
    print(f"beyond the first {WINDOW}: {grown / 1e6:+.1f} MB")
    half = len(memory) // 2
    later = statistics.median(memory[-WINDOW:]) - statistics.median(memory[half - WINDOW : half])
    print(f"in the second half: {later / 1e6:+.1f} MB")
    assert grown < MOST_GROWTH_BYTES
    assert later < MOST_GROWTH_LATER_BYTES
