"""``make bench-hostile``: what a hostile target costs its neighbours, plain and over TLS.

Each hostile server runs in a process of its own. The checks run in another one: the hostile one
again and again, and beside it a healthy page and a healthy round trip, over and over. Printed are
their p50 and p95, the longest time for which the event loop stood still (wall clock, and CPU of its
thread, which other programs of a busy machine don't lengthen), and how much memory it took.
"""

import asyncio
import contextlib
import json
import os
import resource
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from probe.core.context import Context
from probe.core.model import Status
from probe.core.runner import run_check
from tests.hostile.flood_table import HANDSHAKES, RELAYS, SORTS, WEB
from tests.hostile.flood_table import SOCKETS as SESSIONS
from tests.hostile.servers import Behaviour, http, serving
from tests.hostile.table import POSTGRES, REDIS
from tests.hostile.test_table import HEALTHY, check_of
from tests.servers.certificate import make_certificate

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
PAUSE = 0.03
TICK = 0.002
DEADLINE = 3.0
# Those that send without end; the table of tests has those that send one odd answer too.
STORES = {
    "postgres": [
        "rows without an end",
        "parameters without an end",
        "notices without an end",
        "2 GB announced",
    ],
    "redis": [
        "an info of 80 MB",
        "a line without an end",
        "2 GB announced",
        "pongs without an end",
    ],
}


def servers() -> dict[str, tuple[str, Behaviour, bool]]:
    """Each hostile server by name: its sort, its behaviour, and whether it speaks TLS."""
    found: dict[str, tuple[str, Behaviour, bool]] = {}
    for sort, table in (("page", WEB), ("socket", SESSIONS), ("relay", RELAYS)):
        for name, (behave, _) in table.items():
            found[f"{sort}: {name}"] = (sort, behave, False)
            found[f"{sort}, TLS: {name}"] = (sort, behave, True)
    for sort in set(SORTS) - {"page", "socket", "relay"}:
        found |= {f"{sort}: {name}": (sort, each[0], False) for name, each in HANDSHAKES.items()}
    for sort, table in (("postgres", POSTGRES), ("redis", REDIS)):
        found |= {f"{sort}: {name}": (sort, table[name][0], False) for name in STORES[sort]}
    return found


async def serve(name: str, folder: Path) -> None:
    """The hostile server, until it is ended; prints its port."""
    _, behave, secure = servers()[name]
    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    async with serving(behave, context) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[int]:
    """A server in a process of its own; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.hostile", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # asyncio's word for each client that has gone
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


class Standstill:
    """The longest turn of the loop: seconds by the clock, and of its thread's CPU."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            wall, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK)
            self.wall = max(self.wall, time.monotonic() - wall - TICK)
            self.cpu = max(self.cpu, time.thread_time() - cpu)

    async def end(self) -> None:
        """Watch no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def measure(name: str, hostile: int, healthy: int, folder: Path) -> dict[str, float | str]:
    """The neighbours' figures beside the named server; beside none for an empty name."""
    context, durations, failed, causes = Context(), [], 0, set()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    well = check_of("healthy", "health", healthy)
    standing = Standstill()

    async def attack() -> None:
        sort, _, secure = servers()[name]
        ca = folder / "ca.pem" if secure else None
        check = check_of("hostile", sort, hostile, DEADLINE, ca)
        while True:
            result = await run_check(check, context)
            causes.add(result.failure.cause.value if result.failure else "ok")
            await asyncio.sleep(PAUSE)

    attacking = [asyncio.create_task(attack())] if name else []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        result = await run_check(well, context)
        durations.append(time.monotonic() - began)
        failed += result.status is not Status.OK
        await asyncio.sleep(PAUSE)
    await standing.end()
    for task in attacking:
        task.cancel()
    await asyncio.gather(*attacking, return_exceptions=True)
    await context.closing.drain(timeout=5)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    p = statistics.quantiles(durations, n=20)
    return {
        **{"p50": p[9], "p95": p[18], "stood": standing.wall, "cpu": standing.cpu},
        **{
            "failed": failed,
            "megabytes": (after - before) / 1024,
            "cause": ", ".join(sorted(causes)),
        },
    }


async def one(name: str, hostile: int, healthy: int, folder: Path) -> None:
    """The measuring process: warm, then measured; prints JSON."""
    quiet = await measure("", 0, healthy, folder)
    print(json.dumps([quiet, await measure(name, hostile, healthy, folder)]), flush=True)


async def healthy_server() -> None:
    """The neighbour's server."""
    async with serving(http(HEALTHY)) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


def _row(name: str, quiet: dict[str, float], beside: dict[str, float]) -> tuple[str, bool]:
    good = (
        beside["p95"] <= 2 * quiet["p95"] + 0.005 and beside["cpu"] <= 0.1 and not beside["failed"]
    )
    figures = (
        f"{1000 * each:.1f}" for each in (quiet["p50"], beside["p50"], quiet["p95"], beside["p95"])
    )
    cells = [name, *figures, f"{1000 * beside['stood']:.0f}", f"{1000 * beside['cpu']:.0f}"]
    cells += [f"{beside['megabytes']:.1f}", str(beside["cause"]), "yes" if good else "NO"]
    return f"| {' | '.join(cells)} |", good


async def main(arguments: Sequence[str]) -> None:
    """Print the table; a word selects the servers whose names have it."""
    chosen = [name for name in servers() if all(word in name for word in arguments)]
    print(
        "| target | p50 alone, ms | beside | p95 alone | beside | loop stood, ms | of CPU "
        "| more MB | cause | within the goal |\n|" + " --- |" * 10
    )
    reached = 0
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(Path(folder))
        async with running("healthy") as healthy:
            for name in chosen:
                async with running("serve", name, folder) as port:
                    words = ("one", name, str(port), str(healthy), folder)
                    process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        "tests.bench.hostile",
                        *words,
                        stdout=asyncio.subprocess.PIPE,
                    )
                    output, _ = await process.communicate()
                text, good = _row(name, *json.loads(output))
                reached += good
                print(text, flush=True)
    goal = "p95 at most twice as long and 5 ms, no turn of over 100 ms of CPU, none failed"
    print(f"{reached} of {len(chosen)} within the goal: {goal}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name, folder]:
            asyncio.run(serve(name, Path(folder)))
        case ["healthy"]:
            asyncio.run(healthy_server())
        case ["one", name, hostile, healthy, folder]:
            asyncio.run(one(name, int(hostile), int(healthy), Path(folder)))
        case words:
            asyncio.run(main(words))
