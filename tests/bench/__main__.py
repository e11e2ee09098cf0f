"""``make bench``: how long the command line takes, compared with what it measures."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.command import environment, start

RUNS = 7


def cpu_seconds(arguments: Sequence[str]) -> float:
    """User and system time of one run of ``python`` with these arguments."""
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        environment(),
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with status {status}")
    return usage.ru_utime + usage.ru_stime


def bench_help() -> None:
    """CPU time of ``probe --help``, compared with that of an interpreter which does nothing."""
    script = str(Path(sys.executable).parent / "probe")
    help_ = statistics.median(cpu_seconds([script, "--help"]) for _ in range(RUNS))
    bare = statistics.median(cpu_seconds(["-c", "pass"]) for _ in range(RUNS))
    print(f"probe --help: {help_:.3f} s of CPU (python -c pass: {bare:.3f} s), median of {RUNS}")


async def bench_once(folder: Path) -> None:
    """Wall time of ``probe --once`` against a lab in another process, and of its slowest check."""
    # So many runs would meet the backend's limit of requests.
    arguments = ("lab", "--set", "backend.limits=false", "--write-env", "lab.env")
    lab = await start(*arguments, cwd=folder)
    try:
        assert lab.stderr is not None
        await lab.stderr.readline()
        rows = [await _one_run(folder) for _ in range(RUNS)]
    finally:
        lab.terminate()
        await lab.communicate()
    wall, slowest, start_up = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(each[0] / (each[1] + each[2]) for each in rows)
    print(
        f"probe --once: {wall:.2f} s; slowest check {slowest:.2f} s, start-up {start_up:.2f} s; "
        f"ratio to their sum {ratio:.3f}, medians of {RUNS}"
    )


async def _one_run(folder: Path) -> tuple[float, float, float]:
    """Wall, slowest check, start-up: all that is not the run itself."""
    started = time.monotonic()
    process = await start("--env-file", "lab.env", "--once", "--format", "json", cwd=folder)
    out, err = await process.communicate()
    wall = time.monotonic() - started
    if process.returncode:
        raise SystemExit(out.decode() + err.decode())
    report = json.loads(out)
    slowest = max(check["duration_seconds"] for check in report["checks"])
    return wall, slowest, wall - report["duration_seconds"]


def main() -> None:
    """Print every figure."""
    bench_help()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench_once(Path(folder)))


main()
