"""``make bench-scale``: cost and lateness against the number of targets, and relayed calls.

HTTP targets every ten seconds, the daemon on one core (two daemons with ``PROBE_SHARD`` on one core
each for the last row), the targets in this process. What is printed is the table of
``docs/benchmarks.md``; ``docs/images/scale.svg`` is drawn from it. ``BENCH_TARGETS`` has other
numbers of targets, ``BENCH_SECONDS`` the seconds of each row.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pygal
from msgspec import Struct

from tests.bench.daemon import cpu_seconds, deployed, lab
from tests.bench.target import Target
from tests.daemon.running import Running, daemon, memory_of

INTERVAL = 10.0
SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
TARGETS = [int(each) for each in os.environ.get("BENCH_TARGETS", "500,1000,2500,5000").split(",")]
SHARDED, SHARDS = int(os.environ.get("BENCH_SHARDED", "10000")), 2
CALLS_A_MINUTE, CALLERS = 200, 50
PICTURE = Path(__file__).parents[3] / "docs" / "images" / "scale.svg"
_LATENESS = "probe_schedule_lateness_seconds_bucket"


class Row(Struct, frozen=True):
    """One number of targets: seconds of CPU in a second, runs in a second, resident bytes (all
    processes together), and the bound of the 99th percentile of the lateness in seconds."""

    targets: int
    processes: int
    cpu: float
    runs: float
    memory: int
    late: float


async def buckets(running: Running) -> dict[float, float]:
    """How many runs began at most so many seconds late."""
    _, text = await running.get("/metrics", headers={"Connection": "close"})
    lines = [line for line in text.splitlines() if line.startswith(_LATENESS)]
    return {float(line.split('le="')[1].split('"')[0]): float(line.split()[-1]) for line in lines}


def percentile(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float:
    """The upper bound of the bucket that a percentile of what came between is in."""
    counts = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    return min(bound for bound, count in counts.items() if count >= share * max(counts.values()))


async def measured(running: Sequence[Running], seconds: float) -> tuple[float, float, float]:
    """CPU and runs in a second, all together, and the lateness of the latest."""
    before = [await buckets(each) for each in running]
    used = [cpu_seconds(each.process.pid) for each in running]
    await asyncio.sleep(seconds)
    cpu = sum(cpu_seconds(each.process.pid) for each in running) - sum(used)
    after = [await buckets(each) for each in running]
    runs = sum(
        max(late.values()) - max(early.values()) for early, late in zip(before, after, strict=True)
    )
    late = max(percentile(*pair, 0.99) for pair in zip(before, after, strict=True))
    return cpu / seconds, runs / seconds, late


async def row(folder: Path, targets: int, processes: int) -> Row:
    """Daemons for so many targets, measured once every target has a result."""
    cores = sorted(os.sched_getaffinity(0))
    async with Target() as target, AsyncExitStack() as stack:
        text = "\n".join(
            f'[[http]]\nname = "t{number}"\nurl = "{target.url(f"t{number}")}"\n'
            f"interval = {INTERVAL:g}"
            for number in range(targets)
        )
        (folder / "probe.toml").write_text(text, encoding="utf-8")
        running = []
        for number in range(processes):
            shard = {"PROBE_SHARD": f"{number}/{processes}"} if processes > 1 else {}
            data = {"PROBE_DATA": str(folder / f"data-{number}")}
            one = await stack.enter_async_context(daemon(folder, {**deployed(), **shard, **data}))
            os.sched_setaffinity(one.process.pid, {cores[number % len(cores)]})
            running.append(one)
        for one in running:
            await one.ready()
        await asyncio.sleep(INTERVAL)
        cpu, runs, late = await measured(running, SECONDS)
        memory = sum(memory_of(one.process.pid) for one in running)
        return Row(targets, processes, cpu, runs, memory, late)


def draw(rows: Sequence[Row]) -> None:
    """The CPU of each row against its targets."""
    chart = pygal.XY(
        title="CPU against HTTP targets, each every 10 s",
        x_title="targets",
        y_title="share of a core",
        show_legend=False,
        include_x_axis=True,
        width=720,
        height=360,
        js=[],
    )
    chart.add("probe", [(0, 0.0), *((each.targets, round(each.cpu, 4)) for each in rows)])
    text = chart.render(is_unicode=True)
    PICTURE.write_text(text.replace(chart.uuid, "scale"), encoding="utf-8")


async def bench_targets(folder: Path) -> None:
    """The table of targets, and its picture."""
    rows = []
    for targets, processes in [*((each, 1) for each in TARGETS), (SHARDED, SHARDS)]:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            rows.append(await row(Path(own), targets, processes))
        print(f"  {rows[-1]}", file=sys.stderr)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}\n")
    print("| targets | processes | runs a second | CPU | CPU a run | memory | late, p99 |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for each in rows:
        print(
            f"| {each.targets:,} | {each.processes} | {each.runs:.0f} | {each.cpu:.0%} of a core "
            f"| {each.cpu / each.runs * 1e3:.2f} ms | {each.memory / 1e6:.0f} MB "
            f"| ≤ {each.late * 1e3:.0f} ms |"
        )
    draw(rows)


async def bench_calls(folder: Path) -> None:
    """So many relayed calls in a minute, on one core, against a lab in another process."""
    async with lab(folder) as environment:
        interval, url = 60.0 * CALLERS / CALLS_A_MINUTE, environment["TURN_URLS"].split(",")[0]
        text = "\n".join(
            f'[[call]]\nname = "relayed-{number}"\nurl = "{url}"\ninterval = {interval:g}\n'
            f'username = "{environment["TURN_USERNAME"]}"\n'
            f'password_from = "TURN_PASSWORD"\ndeadline = {interval:g}\nuser_quota = 64'
            for number in range(CALLERS)
        )
        (folder / "probe.toml").write_text(text, encoding="utf-8")
        only = ("--only", ",".join(f"relayed-{number}" for number in range(CALLERS)))
        async with daemon(folder, {**environment, **deployed()}, *only) as running:
            pid = running.process.pid
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
            await running.ready()
            before, used = await _calls(running), cpu_seconds(pid)
            await asyncio.sleep(2 * SECONDS)
            cpu = (cpu_seconds(pid) - used) / (2 * SECONDS)
            after = await _calls(running)
            memory = memory_of(pid)
            causes = await _causes(running)
    done = {status: after[status] - before[status] for status in after}
    total = sum(done.values())
    print(
        f"relayed calls: {total / (2 * SECONDS) * 60:.0f} a minute on one core, "
        f"{done['ok'] / total:.1%} ok, {cpu:.0%} of it, "
        f"{cpu * 2 * SECONDS / total * 1e3:.0f} ms a call, {memory / 1e6:.0f} MB{causes}"
    )


async def _causes(running: Running) -> str:
    """Why calls failed, first to last, if any did."""
    rows = (await running.status())["checks"]
    named = {f"{each['phase']}: {each['cause']}" for each in rows if each.get("cause")}
    return f"; failing now: {', '.join(sorted(named))}" if named else ""


async def _calls(running: Running) -> dict[str, float]:
    found = await running.metrics()
    return {
        status: sum(
            value
            for name, value in found.items()
            if name.startswith("probe_runs_total") and f'status="{status}"' in name
        )
        for status in ("ok", "failed", "unknown")
    }


async def main() -> None:
    """Print both, or what is named: ``targets``, ``calls``."""
    benches = {"targets": bench_targets, "calls": bench_calls}
    for name in sys.argv[1:] or benches:
        with tempfile.TemporaryDirectory() as folder:
            await benches[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
