"""Worker processes that end in odd ways; small scripts stand for them."""

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from probe.load.distributed.workers import WorkerPool, WorkersFailed
from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import LoadPlan
from tests.load.loading import until

PLAN = LoadPlan(4, 2.0)
STATISTICS = LoadStatistics(PLAN)
STATISTICS.passed("health", 0.5, 0.01)
REPORT = json.dumps({"statistics": STATISTICS.dump()})
FINAL = json.dumps({"statistics": STATISTICS.dump(), "final": True})

# Each reads its share, which names what it does.
SCRIPT = f"""
import json, os, sys
def say(text): print(text, flush=True)
way = json.loads(sys.stdin.readline())["way"]
if way == "refuses":
    say(json.dumps({{"error": "BACKEND_URL: is not set"}})); sys.exit()
if way == "crashes":
    sys.exit(3)
say(json.dumps({{"ready": True}}))
sys.stdin.readline()
if way == "killed":
    say({REPORT!r}); os.kill(os.getpid(), 9)
if way == "garbage":
    say("\\x00 no JSON"); sys.exit()
if way == "waits":
    say({REPORT!r}); sys.stdin.readline()
say({FINAL!r})
"""


async def run(*ways: str) -> WorkerPool:
    pool = WorkerPool([sys.executable, "-c", SCRIPT], {**os.environ})
    await pool.run([{"way": way} for way in ways], PLAN)
    return pool


async def test_all_shares_are_merged() -> None:
    pool = await run("works", "works", "works")
    assert pool.statistics(PLAN).step("health").passed == 3
    assert pool.lost == ()


@pytest.mark.parametrize(
    ("way", "said", "counted"),
    [
        ("killed", "worker 2 was killed by SIGKILL: what it had reported is counted", 2),
        ("garbage", "worker 2 ended with exit code 0: none of it is counted", 1),
        ("crashes", "worker 2 ended with exit code 3: none of it is counted", 1),
        ("refuses", "BACKEND_URL: is not set", 1),
    ],
)
async def test_a_worker_that_is_lost_is_named_and_the_rest_counts(
    way: str, said: str, counted: int
) -> None:
    pool = await run("works", way)
    assert pool.lost == (said,)
    assert pool.statistics(PLAN).step("health").passed == counted


async def test_without_any_worker_there_is_no_load() -> None:
    with pytest.raises(WorkersFailed, match="BACKEND_URL: is not set"):
        await run("refuses", "refuses")


async def test_stopping_has_all_workers_report_what_they_have() -> None:
    pool = WorkerPool([sys.executable, "-c", SCRIPT], {**os.environ})
    shares: list[dict[str, Any]] = [{"way": "waits"}, {"way": "waits"}]
    running = asyncio.create_task(pool.run(shares, PLAN))
    await until(lambda: sum(bool(worker.statistics) for worker in pool.workers) == 2)
    await pool.stop()
    await running
    assert pool.lost == ()
    assert pool.statistics(PLAN).step("health").passed == 2
