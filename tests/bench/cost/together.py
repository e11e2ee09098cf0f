"""``python -m tests.bench.cost.together``: CPU for a check of several programs in the same windows.

``make bench-peers`` measures one program after the other, which needs a quiet machine. Here all of
them run at the same time, so that whatever else the machine does makes each figure larger alike;
what is printed is the median of each, and of its share of the last one's.
``BENCH_RATE`` are the checks a second of each program, ``BENCH_WINDOWS`` the windows of
``BENCH_SECONDS``.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.daemon import deployed, interpreter
from tests.bench.peer_programs import PROGRAMS, Plan, missing
from tests.bench.peers import VALID, Group
from tests.bench.target import Target
from tests.servers.certificate import make_certificate

RATE = float(os.environ.get("BENCH_RATE", "100"))
WINDOWS = int(os.environ.get("BENCH_WINDOWS", "9"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "6"))
INTERVAL, SETTLE_SECONDS = 2.0, 12.0
NAMES = ("probe", "Gatus")


@dataclass
class Measured:
    """One program: its processes, the pages it checks, and milliseconds of CPU a check."""

    group: Group
    pages: Sequence[str]
    windows: list[float] = field(default_factory=list)


def started(
    names: Sequence[str], folder: Path, target: Target, ca_file: Path | None, stack: ExitStack
) -> dict[str, Measured]:
    """All programs, each with pages of its own."""
    found = {}
    for name in names:
        own = folder / name
        own.mkdir()
        pages = [f"{name}-{number}" for number in range(int(RATE * INTERVAL))]
        plan = Plan(own, target, pages, INTERVAL, ca_file, deployed())
        found[name] = Measured(Group(stack, PROGRAMS[name][0](plan), own), pages)
    return found


async def measure(programs: Mapping[str, Measured], target: Target) -> None:
    """One window of all of them."""
    target.arrivals.clear()
    before = {name: each.group.cpu for name, each in programs.items()}
    await asyncio.sleep(SECONDS)
    for name, each in programs.items():
        checks = sum(len(target.arrivals[page]) for page in each.pages)
        each.windows.append((each.group.cpu - before[name]) / max(checks, 1) * 1e3)


async def compare(*, encrypted: bool) -> None:
    """The table of plain pages, or of encrypted ones."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        certificate = make_certificate(folder, valid_for=VALID) if encrypted else None
        async with Target(certificate) as target:
            ca_file = certificate.ca_file if certificate else None
            programs = started(NAMES, folder, target, ca_file, stack)
            await asyncio.sleep(SETTLE_SECONDS)
            for _ in range(WINDOWS):
                await measure(programs, target)
            memory = {name: each.group.memory for name, each in programs.items()}
    last = programs[NAMES[-1]].windows
    what = "HTTPS" if encrypted else "HTTP"
    print(f"\n{what}, {RATE:g} checks a second each, {WINDOWS} windows of {SECONDS:g} s:\n")
    print(f"| program | CPU a check | of {NAMES[-1]}' | memory |")
    print("|---|---:|---:|---:|")
    for name, each in programs.items():
        share = statistics.median(
            own / other for own, other in zip(each.windows, last, strict=True)
        )
        cpu = statistics.median(each.windows)
        print(f"| {name} | {cpu:.2f} ms | {share:.0%} | {memory[name] / 1e6:.0f} MB |")


async def main() -> None:
    """Print both tables, or what is named: ``http``, ``https``."""
    if absent := [name for program in NAMES for name in missing(program)]:
        raise SystemExit(f"not on the PATH: {', '.join(absent)}")
    print(f"The probe runs in {interpreter()}.")
    for name in sys.argv[1:] or ("http", "https"):
        await compare(encrypted=name == "https")
    print(f"\nload of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
