"""A process that runs everything again and again: ``ENV_FILE RUNS``.

Prints a JSON object: the resident bytes after each run, and the tasks, descriptors and
closings that are left beyond those of the first runs. Its memory is no other test's.
"""

import asyncio
import gc
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from probe.config.check_plan import CheckPlan, select
from probe.config.settings import load_settings
from probe.core.context import Context
from probe.core.model import Verdict
from probe.kinds import KINDS
from probe.once import OnceOptions, run_once

# What goes on behind the back of the last run ends within this time; what stays as it is for so
# many readings stays.
SETTLE_SECONDS = 5.0
READINGS = 4
# Libraries find the size of their pools and caches in the first runs.
WARM_UP = 10
# A busy machine may make a check miss its deadline; most runs have to do all that they do.
MIN_OK_SHARE = 0.8
# One of each way of measuring: checks of one TURN user take turns, so all of them take long.
CHECKS = (
    "http",
    "engineio",
    "signaling",
    "app_metrics",
    "allocation-primary-tcp",
    "turn-primary-udp",
    "turn-backup-tls",
    "call-direct",
    "call-primary-tls",
    "call-backup-udp",
)


@dataclass
class Soaked:
    """What is left of the runs."""

    memory: list[int] = field(default_factory=list)
    """Resident bytes after each run."""
    tasks: int = 0
    descriptors: int = 0
    closings: int = 0


def planned(env_file: Path) -> CheckPlan:
    """What a lab gives to watch, by every kind, transport and provider, in one run."""
    environment = {name: value for name, value in dotenv_values(env_file).items() if value}
    return select(load_settings(KINDS, environment, alone=True).plan, CHECKS, [], once=True)


async def soak(plan: CheckPlan, runs: int) -> Soaked:
    """Run everything ``runs`` times, as fast as we can."""
    context, soaked = Context(), Soaked()
    tasks = descriptors = good = 0
    for number in range(1, runs + 1):
        report = await run_once(plan, OnceOptions(), context=context)
        good += report.verdict is Verdict.OK
        assert good >= MIN_OK_SHARE * number or number < WARM_UP, report.rows
        soaked.memory.append(_resident_bytes())
        if number == WARM_UP:
            await context.closing.drain(timeout=SETTLE_SECONDS)
            tasks, descriptors = await _unchanged()
    tasks_left, descriptors_left = await _settled(tasks, descriptors)
    soaked.tasks = max(0, tasks_left - tasks)
    soaked.descriptors = max(0, descriptors_left - descriptors)
    soaked.closings = context.closing.pending
    return soaked


async def _unchanged() -> tuple[int, int]:
    """Tasks and descriptors, once several readings are the same or time is up."""
    loop = asyncio.get_running_loop()
    until, readings = loop.time() + SETTLE_SECONDS, [(-1, -1)]
    while loop.time() < until and (len(readings) < READINGS or len(set(readings)) > 1):
        gc.collect()
        readings = [*readings, (len(asyncio.all_tasks()), _descriptors())][-READINGS:]
        await asyncio.sleep(0.25)
    return readings[-1]


async def _settled(tasks: int, descriptors: int) -> tuple[int, int]:
    """Tasks and descriptors, once they are down to what is expected or time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLE_SECONDS
    while loop.time() < until:
        gc.collect()
        if len(asyncio.all_tasks()) <= tasks and _descriptors() <= descriptors:
            break
        await asyncio.sleep(0.25)
    return len(asyncio.all_tasks()), _descriptors()


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    done = asyncio.run(soak(planned(Path(sys.argv[1])), int(sys.argv[2])))
    print(json.dumps(asdict(done)))
