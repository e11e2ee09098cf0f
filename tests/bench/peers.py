"""``make bench-peers``: what a check costs here and in other programs that check web pages.

Each of them checks the same pages, in turns, on the same machine: so many pages each every
``BENCH_INTERVAL`` seconds, ``BENCH_ROUNDS`` times for ``BENCH_SECONDS``. What is printed is the
median of the rounds, as the table of ``docs/benchmarks.md`` has it. Everything is included:
schedule, a connection for each check, judging, alerting, history, metrics.

Lateness and detection are seen from the pages' side: when requests come, against a fixed rate; and
from a page's first 503 until a webhook comes.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from tests.bench.daemon import cpu_seconds, deployed, interpreter
from tests.bench.peer_programs import PROGRAMS, Plan, Program, missing
from tests.bench.target import Target, lateness
from tests.daemon.running import memory_of
from tests.servers.certificate import make_certificate
from tests.servers.process import stop

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "12"))
INTERVAL = float(os.environ.get("BENCH_INTERVAL", "2"))
RATE = float(os.environ.get("BENCH_RATE", "100"))
# Long enough that no program warns of its end.
VALID = timedelta(days=29)
START_SECONDS, DETECTION_SECONDS = 60.0, 30.0
SETTLE_SECONDS = 3.0


class Figures(Struct, frozen=True):
    """One round of one program. ``cpu`` is in seconds for each check, ``memory`` in bytes,
    ``late`` (99th percentile) and ``detection`` in seconds."""

    cpu: float
    memory: float
    late: float
    detection: float
    checks: int


class Group:
    """The processes of one program."""

    def __init__(self, stack: ExitStack, programs: Sequence[Program], folder: Path) -> None:
        self._counted: list[subprocess.Popen[bytes]] = []
        log = stack.enter_context((folder / "log").open("wb"))
        for each in programs:
            process = subprocess.Popen(
                each.command, cwd=folder, env=dict(each.env) or None, stdout=log, stderr=log
            )
            stack.callback(stop, process)
            if each.counts:
                self._counted.append(process)

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return sum(cpu_seconds(each.pid) for each in self._counted)

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return sum(memory_of(each.pid) for each in self._counted)


async def _until_each_came(target: Target, names: Sequence[str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while any(len(target.arrivals[name]) < 2 for name in names):
        if time.monotonic() > deadline:
            said = log.read_text()[-2000:]  # noqa: ASYNC240 - of a failed start
            raise RuntimeError(f"not every page was checked:\n{said}")
        await asyncio.sleep(0.1)


async def one_round(name: str, target: Target, ca_file: Path | None) -> Figures:
    """Start a program, measure it, break one page, stop it."""
    names = [f"t{number}" for number in range(int(RATE * INTERVAL))]
    target.reset()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        plan = Plan(folder, target, names, INTERVAL, ca_file, deployed())
        group = Group(stack, PROGRAMS[name][0](plan), folder)
        await _until_each_came(target, names, folder / "log")
        await asyncio.sleep(SETTLE_SECONDS)
        target.arrivals.clear()
        before = group.cpu
        await asyncio.sleep(SECONDS)
        cpu, memory = group.cpu - before, group.memory
        seen = [list(times) for times in target.arrivals.values()]
        late = statistics.quantiles(lateness(seen, INTERVAL), n=100)[98]
        checks = sum(len(each) for each in seen)
        return Figures(cpu / checks, memory, late, await _detection(target, names[0]), checks)


async def _detection(target: Target, name: str) -> float:
    """Seconds from a page's first bad answer to the webhook; infinite: none came."""
    target.hooked.clear()
    target.failing.add(name)
    broken = time.monotonic()
    try:
        async with asyncio.timeout(DETECTION_SECONDS):
            await target.hooked.wait()
    except TimeoutError:
        return float("inf")
    return time.monotonic() - broken


async def compare(folder: Path, *, encrypted: bool, names: Sequence[str]) -> None:
    """All programs in turns, and their table."""
    certificate = make_certificate(folder, valid_for=VALID) if encrypted else None
    ca_file = certificate.ca_file if certificate else None
    found: dict[str, list[Figures]] = {name: [] for name in names}
    async with Target(certificate) as target:
        for _ in range(ROUNDS):
            for name in names:
                found[name].append(await one_round(name, target, ca_file))
                print(f"  {name}: {found[name][-1]}", file=sys.stderr)
    what = "HTTPS" if encrypted else "HTTP"
    print(f"\n{what}, {RATE:g} checks a second, medians of {ROUNDS} rounds of {SECONDS:g} s:\n")
    print("| program | CPU a check | memory | late, p99 | fault to webhook |")
    print("|---|---:|---:|---:|---:|")
    for name, rounds in found.items():
        print(f"| {name} {_row(rounds)}")


def _row(rounds: Sequence[Figures]) -> str:
    def median(field: str) -> float:
        return float(statistics.median(getattr(each, field) for each in rounds))

    return (
        f"| {median('cpu') * 1e3:.2f} ms | {median('memory') / 1e6:.0f} MB "
        f"| {median('late') * 1e3:.0f} ms | {median('detection'):.1f} s |"
    )


async def main() -> None:
    """Print both tables; what is not on the PATH is named and left out."""
    wanted = sys.argv[1:]
    names = [name for name in PROGRAMS if not wanted or name.split()[0].lower() in wanted]
    for name in [name for name in names if missing(name)]:
        print(f"{name} is not measured: not on the PATH: {', '.join(missing(name))}")
        names.remove(name)
    print(f"\nThe probe runs in {interpreter()}.")
    for encrypted in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            await compare(Path(folder), encrypted=encrypted, names=names)


if __name__ == "__main__":
    asyncio.run(main())
