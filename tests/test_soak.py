"""Run after run in one process, nothing grows."""

import asyncio
import gc
import os
from pathlib import Path

import pytest

from probe.app import OnceOptions, run_once
from probe.context import Context
from probe.kinds import KINDS
from probe.lab import Lab
from probe.model import Verdict
from probe.settings import load_settings

# The lab is in the same process, and its sockets end a little after ours.
SETTLE_SECONDS = 5.0
# Pools and caches of the libraries find their size in the first runs.
WARM_UP = 10
# What an allocator keeps and a leak don't look alike: a leak of 20 kB a run would show as
# 9 MB in 450 runs.
MOST_GROWTH_BYTES = 4 << 20


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


async def soak(runs: int, base_after: int) -> int:
    """Run everything ``runs`` times; how many bytes the process grew after ``base_after``."""
    # The server's side of a session that is gone lives on until the next ping is due.
    async with Lab(limits=False, ping_interval=1.0) as lab:
        settings = load_settings(KINDS, lab.environment(), env_file=None, with_config=False)
        context = Context()
        tasks = open_ = memory = 0
        for number in range(1, runs + 1):
            report = await run_once(settings.plan, OnceOptions(), context=context)
            assert report.verdict is Verdict.OK, report.rows
            if number == base_after:
                tasks, open_ = await settled(0, 0)
                memory = resident_bytes()
            if number % 50 == 0:
                print(f"{number} runs: {resident_bytes() / 1e6:.1f} MB")
        assert await settled(tasks, open_) <= (tasks, open_)
        assert context.closing.pending == 0
        assert (lab.primary.allocations, lab.backup.allocations) == (0, 0)
        assert lab.backend.sessions == 0
        return resident_bytes() - memory


async def test_fifty_runs_leave_no_task_and_no_descriptor() -> None:
    await soak(50, WARM_UP)


@pytest.mark.proof
async def test_five_hundred_runs_grow_nothing_beyond_the_first_fifty() -> None:
    grown = await soak(500, 50)
    print(f"memory after 500 runs, beyond the first 50: {grown / 1e6:+.1f} MB")
    assert grown < MOST_GROWTH_BYTES
