"""``make bench-faults``: from a fault to the page, for each way in which the lab can fail.

A daemon and a lab of its own for each fault, all at the same time; the fault begins at another
moment of the schedule in each round. The page is what PagerDuty's endpoint accepts.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from probe.lab import Lab
from tests.daemon.running import daemon
from tests.servers.receivers.pagerduty import PagerDutyService

KEY = "r0uting-key-0f-mine"
FAULTS = {
    "backend refuses (closes every connection)": ("backend.drop", "true"),
    "backend frozen (accepts, never answers)": ("backend.silent", "true"),
    "Redis stopped": ("backend.redis", "down"),
    "Redis hung": ("backend.redis", "hangs"),
    "TURN servers answer 500": ("turn.error", "500"),
    "TURN servers silent": ("turn.silent", "true"),
}
# The first round of all checks is over, and what alternates has its rhythm.
SETTLE_SECONDS, SPREAD_SECONDS = 60.0, 60.0
PATIENCE = 400.0


async def seconds_to_page(folder: Path, knob: str, value: str, delay: float) -> tuple[float, str]:
    """From setting a knob to the first page, and the page's title."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab())
        lab.set_knob("backend.limits", "false")
        pager = await stack.enter_async_context(PagerDutyService(KEY))
        environment = {
            **lab.environment(),
            "PAGERDUTY_ROUTING_KEY": KEY,
            "PAGERDUTY_EVENTS_URL": f"{pager.url}/v2/enqueue",
            "PROBE_DATA": str(folder / "data"),
        }
        running = await stack.enter_async_context(daemon(folder, environment))
        await running.ready()
        await asyncio.sleep(delay)
        lab.set_knob(knob, value)
        broken = time.monotonic()
        (page, *_) = await pager.until(1, seconds=PATIENCE)
        return time.monotonic() - broken, str(page["payload"]["summary"])


async def main(rounds: int, only: str) -> None:
    """Print a table: the shortest and the longest time of each fault."""
    chosen = {name: knob for name, knob in FAULTS.items() if only in name}
    delays, found = random.Random(1), dict[str, list[tuple[float, str]]]()
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folders = [Path(name) / str(index) for index in range(len(chosen))]
            for folder in folders:
                folder.mkdir()
            delay = SETTLE_SECONDS + delays.uniform(0, SPREAD_SECONDS)
            tasks = [
                seconds_to_page(folder, *knob, delay)
                for folder, knob in zip(folders, chosen.values(), strict=True)
            ]
            times = await asyncio.gather(*tasks, return_exceptions=True)
        for fault, one in zip(chosen, times, strict=True):
            if isinstance(one, BaseException):
                print(f"round {number}: {fault}: {type(one).__name__} {one}", flush=True)
            else:
                found.setdefault(fault, []).append(one)
    print(f"| fault | time to page, {rounds} rounds | title |\n|---|---|---|")
    for fault, each in found.items():
        seconds = sorted(one for one, _ in each)
        span = f"{seconds[0]:.0f} to {seconds[-1]:.0f} s"
        print(f"| {fault} | {span} | {json.dumps(each[0][1])} |")


if __name__ == "__main__":
    asyncio.run(
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 3,
            sys.argv[2] if len(sys.argv) > 2 else "",
        )
    )
