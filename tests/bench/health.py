"""``make bench-health``: how soon ``/healthz`` and ``/metrics`` answer while 1,000 checks fail,
on a disk as it is and on one of which each flush takes half a second (strace delays it).

Phases, one after the other: all checks pass, all fail (they fire, and are sent as one incident),
all pass again. Loopback only; each request has a connection of its own, as a probe of a platform.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.bench.daemon import TARGETS, cpu_seconds, deployed
from tests.daemon.running import Running, daemon
from tests.servers.services import Service

SECONDS = float(os.environ.get("BENCH_SECONDS", "40"))
PAUSE, SCRAPES = 0.01, 1.0
INTERVAL, HOLD = 10, 10
SLOW_SECONDS = 0.5
# What SQLite and the journals wait for; other calls are not stopped at.
FLUSHES = "fdatasync,fsync"
TARGET = """
import asyncio
status = b"200 OK"
async def answer(reader, writer):
    global status
    line = (await reader.readuntil(b"\\r\\n\\r\\n")).split(b" ")[1]
    if line in (b"/fail", b"/pass"):
        status = b"500 Internal Server Error" if line == b"/fail" else b"200 OK"
    head = b"HTTP/1.1 " + status + b"\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"
    writer.write(head)
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


CLIENT = """
import http.client, json, sys, time
host, path, seconds, pause = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
times, statuses, until = [], set(), time.monotonic() + seconds
while (began := time.monotonic()) < until:
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    times.append(time.monotonic() - began)
    statuses.add(answer.status)
    time.sleep(pause)
print(json.dumps([sorted(statuses), times]))
"""


def slow_disk() -> list[str]:
    """The command before a daemon whose flushes take long."""
    delay = f"delay_enter={SLOW_SECONDS * 1e6:.0f}"
    quiet = ("-qqq", "-e", "signal=none", "-o", "/dev/null")
    inject = ("-e", f"trace={FLUSHES}", "-e", f"inject={FLUSHES}:{delay}")
    return ["strace", "-D", "-f", "--seccomp-bpf", *quiet, *inject]


def config(port: int) -> str:
    """A ``probe.toml`` of as many checks."""
    return "\n".join(
        f'[[http]]\nname = "t{number}"\nurl = "http://127.0.0.1:{port}/{number}"\n'
        f'interval = {INTERVAL}\nseverity = "critical"\nfor = {HOLD}'
        for number in range(TARGETS)
    )


@asynccontextmanager
async def target() -> AsyncIterator[int]:
    """A server that passes and fails, in a process of its own; its port."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TARGET, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        yield int(await server.stdout.readline())
    finally:
        server.kill()
        await server.wait()


async def asked(url: str, path: str, pause: float) -> list[float]:
    """Seconds that each answer of ``SECONDS`` took, by a process that does nothing else. Raises
    AssertionError where one is not 200."""
    arguments = (url.removeprefix("http://"), path, str(SECONDS), str(pause))
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await client.communicate()
    statuses, times = json.loads(out)
    assert statuses == [200], f"{path} answers {statuses}"
    return [float(each) for each in times]


def shown(name: str, times: Sequence[float]) -> str:
    """One line of a table."""
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    figures = (hundredths[49], hundredths[98], max(times))
    return f"| {name} | {len(times)} | " + " | ".join(f"{1e3 * each:.1f}" for each in figures)


async def phase(name: str, running: Running) -> None:
    """Ask for a while, and print what it took."""
    cpu, began = cpu_seconds(running.process.pid), time.monotonic()
    health, metrics = await asyncio.gather(
        asked(running.url, "/healthz", PAUSE), asked(running.url, "/metrics", SCRAPES)
    )
    share = (cpu_seconds(running.process.pid) - cpu) / (time.monotonic() - began)
    print(f"{shown(f'{name}: `/healthz`', health)} | {share:.0%} |", flush=True)
    print(f"{shown(f'{name}: `/metrics`', metrics)} | |", flush=True)


async def measured(name: str, prefix: Sequence[str]) -> None:
    """All phases of one daemon."""
    with tempfile.TemporaryDirectory() as work:
        async with target() as port, Service() as receiver:
            folder = Path(work)
            (folder / "probe.toml").write_text(config(port), encoding="utf-8")
            environment = {
                **deployed(),
                "PROBE_DATA": str(folder / "data"),
                "ALERT_WEBHOOK_URL": receiver.url,
                "ALERT_WEBHOOK_SECRET": "of-no-use",
            }
            async with daemon(folder, environment, prefix=prefix) as running:
                await running.ready()
                for what in ("pass", "fail", "pass"):
                    async with aiohttp.request("GET", f"http://127.0.0.1:{port}/{what}"):
                        pass
                    await phase(f"{name}, all {what}", running)
                sent = [each["occasion"] for each in receiver.taken]
                print(f"| {name}: messages {', '.join(sent)} | | | | | |", flush=True)


async def main() -> None:
    """Print the table."""
    print(f"| {TARGETS} checks every {INTERVAL} s | requests | p50, ms | p99, ms | max, ms | CPU |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    await measured("disk", ())
    await measured("slow disk", slow_disk())


if __name__ == "__main__":
    asyncio.run(main())
