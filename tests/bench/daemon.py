"""``make bench-daemon``: what the daemon takes, compared with what it is allowed to take."""

import asyncio
import os
import platform
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from dotenv import dotenv_values

from probe.config.settings import load_settings
from probe.core.model import Status, Verdict
from probe.history import History
from probe.history.model import ResultRow
from probe.kinds import KINDS
from tests.command import start
from tests.container.dockerfile import read_dockerfile
from tests.daemon.running import Running, daemon, memory_of

ROOT = Path(__file__).parent.parent.parent
DAY = 86400
STEADY_SECONDS = float(os.environ.get("BENCH_SECONDS", "300"))
CYCLES = int(os.environ.get("BENCH_CYCLES", "10000"))
TARGETS = 1000
CROWD_SECONDS = 60.0


def deployed() -> dict[str, str]:
    """How the container's memory allocator is set: what the image ships is what is measured."""
    image = read_dockerfile(ROOT / "Dockerfile")[-1]
    return {name: value for name, value in image.environment.items() if name.startswith("MALLOC")}


def interpreter() -> str:
    """What runs the probe: how it was built decides a fifth of what a check costs."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python} ({platform.python_compiler()}) with {ssl.OPENSSL_VERSION}"


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A lab in a process of its own; its environment."""
    arguments = ("lab", "--set", "backend.limits=false", "--write-env", "lab.env")
    process = await start(*arguments, cwd=folder)
    try:
        assert process.stderr is not None
        await process.stderr.readline()
        values = dotenv_values(folder / "lab.env")
        yield {name: value for name, value in values.items() if value is not None}
    finally:
        process.terminate()
        await process.communicate()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, to the nanosecond: the clock that Linux's
    clock_getcpuclockid(3) gives of another process."""
    return time.clock_gettime(~pid << 3 | 2)


async def sampled(pid: int, seconds: float) -> list[int]:
    """Resident bytes, once a second."""
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(memory_of(pid))
        await asyncio.sleep(1)
    return found


async def write_a_day(folder: Path, environment: dict[str, str]) -> None:
    """A history of 24 hours for every check, as its interval makes it."""
    history = await History.open(folder)
    now = time.time()
    for check in load_settings(KINDS, environment, alone=True).plan.checks:
        for number in range(int(DAY / check.interval)):
            at = now - DAY + number * check.interval
            bad = number % 97 == 0
            verdict = Verdict.CRITICAL if bad else Verdict.OK
            status = Status.FAILED if bad else Status.OK
            cause = ("body", "service_down", "redis is down") if bad else ("", "", "")
            value = 0.01 + (number * 7919 % 1000) / 10_000
            history.add(ResultRow(check.name, at, value, status, verdict, *cause, value=value))
            if number % 5000 == 0:
                await history.flush()
    await history.close()


async def bench_default(folder: Path) -> None:
    """Memory, CPU and the page at the default schedule, with a day of history."""
    async with lab(folder) as environment:
        await write_a_day(folder / "data", environment)
        with_data = {**environment, **deployed(), "PROBE_DATA": str(folder / "data")}
        started = time.monotonic()
        async with daemon(folder, with_data) as running:
            await running.ready()
            first = time.monotonic() - started
            pid = running.process.pid
            before = cpu_seconds(pid)
            memory = await sampled(pid, STEADY_SECONDS)
            cpu = (cpu_seconds(pid) - before) / STEADY_SECONDS
            print(f"first round: {first:.1f} s from the start of the process")
            print(
                f"default schedule, all kinds: {max(memory) / 1e6:.1f} MB resident at most, "
                f"{cpu:.2%} of a core over {STEADY_SECONDS:.0f} s"
            )
            await _pages(running)
            print(f"end on SIGTERM: {await _time(running.stop()):.2f} s")


async def _pages(running: Running) -> None:
    checks = len((await running.status())["checks"])
    _, page = await running.get("/")
    _, json = await running.get("/status.json")
    took = statistics.median([await _time(running.get("/?refresh=0")) for _ in range(5)])
    print(
        f"status page with {checks} checks and a day of history: {len(page) / 1e3:.1f} kB, "
        f"JSON {len(json) / 1e3:.1f} kB, {took * 1e3:.0f} ms"
    )


async def _time(action: object) -> float:
    started = time.monotonic()
    await action  # type: ignore[misc]  # any awaitable
    return time.monotonic() - started


def copies(environment: dict[str, str]) -> Iterator[str]:
    """Many more checks, each as often as it may: ten thousand runs in a few minutes."""
    backend = environment["BACKEND_URL"]
    for number in range(8):
        yield f'[[http]]\nname = "health-{number}"\nurl = "{backend}/health"\nbody = "health"'
        yield f'interval = 1\nca_file = "{environment["PROBE_CA_FILE"]}"'
    for name, kind, interval in _named(environment):
        yield f'[[{kind}]]\nname = "{name}"\ninterval = {interval}\ndeadline = 30'


def _named(environment: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    for check in load_settings(KINDS, environment, alone=True).plan.checks:
        if check.is_regular:
            yield check.name, check.kind.name, 2 if check.kind.name == "call" else 1


async def bench_cycles(folder: Path) -> None:
    """Memory over ten thousand runs of all kinds, with its data in files, as deployed."""
    async with lab(folder) as environment:
        text = "\n".join(copies(environment))
        (folder / "probe.toml").write_text(text, encoding="utf-8")
        stored = {"PROBE_DATA": str(folder / "data")}
        async with daemon(folder, {**environment, **deployed(), **stored}) as running:
            await running.ready()
            rows = await _until_cycles(running)
    print(f"memory over {CYCLES} runs, MB at each tenth: " + ", ".join(rows))


async def _until_cycles(running: Running) -> list[str]:
    rows: list[str] = []
    recent: list[int] = []
    while len(rows) < 10:
        recent.append(memory_of(running.process.pid))
        found = await running.metrics()
        runs = sum(value for name, value in found.items() if name.startswith("probe_runs_total"))
        if runs >= (len(rows) + 1) * CYCLES / 10:
            rows.append(f"{statistics.median(recent) / 1e6:.1f}")
            recent.clear()
        await asyncio.sleep(0.5)
    return rows


SERVER = """
import asyncio
async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def bench_crowd(folder: Path) -> None:
    """A thousand HTTP targets every ten seconds, on one core."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        (folder / "probe.toml").write_text(
            "\n".join(
                f'[[http]]\nname = "t{number}"\nurl = "http://127.0.0.1:{port}/{number}"\n'
                "interval = 10"
                for number in range(TARGETS)
            ),
            encoding="utf-8",
        )
        async with daemon(folder, deployed()) as running:
            await _crowd(running)
    finally:
        server.kill()
        await server.wait()


async def _crowd(running: Running) -> None:
    pid = running.process.pid
    os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    await running.ready()
    before, cpu = await running.metrics(), cpu_seconds(pid)
    await asyncio.sleep(CROWD_SECONDS)
    cpu = (cpu_seconds(pid) - cpu) / CROWD_SECONDS
    after = await _buckets(running), await running.metrics()
    runs = "probe_schedule_lateness_seconds_count"
    print(
        f"{TARGETS} targets every 10 s on one core: {after[1][runs] - before[runs]:.0f} runs in "
        f"{CROWD_SECONDS:.0f} s, {cpu:.0%} of it, lateness p99 below {after[0] * 1e3:.0f} ms, "
        f"{memory_of(pid) / 1e6:.0f} MB"
    )
    skipped = sum(value for name, value in after[1].items() if "skipped" in name)
    print(f"  skipped turns: {skipped:.0f}")
    took = statistics.median([await _time(running.get("/metrics")) for _ in range(9)])
    _, text = await running.get("/metrics")
    print(f"  /metrics: {took * 1e3:.0f} ms for {len(text) / 1e6:.1f} MB, as a client sees it")


async def _buckets(running: Running) -> float:
    """The upper bound of the bucket that the 99th percentile of the lateness is in."""
    _, text = await running.get("/metrics")
    name = "probe_schedule_lateness_seconds_bucket"
    rows = [line for line in text.splitlines() if line.startswith(name)]
    counts = [(float(row.split('le="')[1].split('"')[0]), float(row.split()[-1])) for row in rows]
    return next(bound for bound, count in counts if count >= 0.99 * counts[-1][1])


async def main() -> None:
    """Print every figure, or those that are named."""
    benches = {"default": bench_default, "cycles": bench_cycles, "crowd": bench_crowd}
    for name in sys.argv[1:] or benches:
        with tempfile.TemporaryDirectory() as folder:
            await benches[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
