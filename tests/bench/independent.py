"""``make bench-independent``: figures of ``probe --once`` compared with those of other programs.

redis-benchmark, curl, a Node script with socket.io-client, and turnutils_uclient ask the same
servers on the same machine, in turns with one-shot runs of everything at once. Medians over
ROUNDS rounds; they should differ by 1 ms or 20 % at most, whichever is more.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from tests import requirements
from tests.command import probe
from tests.servers.coturn import Coturn, CoturnConfig
from tests.servers.node_backend import NodeBackend
from tests.servers.redis import PASSWORD, RedisServer

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
SCRIPT = Path(__file__).parent.parent / "servers" / "node" / "load.mjs"
TOLERANCE_SECONDS, TOLERANCE_SHARE = 0.001, 0.2


class Servers(Struct, frozen=True):
    """What both sides ask."""

    backend: NodeBackend
    redis: RedisServer
    coturn: Coturn

    @property
    def environment(self) -> dict[str, str]:
        """The probe's configuration."""
        return {
            "BACKEND_URL": self.backend.url,
            "JWT_SECRET": self.backend.jwt_secret,
            "REDIS_URL": self.redis.url(),
            "TURN_URLS": self.coturn.udp_url,
            "TURN_USERNAME": self.coturn.username,
            "TURN_PASSWORD": self.coturn.password,
        }


class Figure(Struct, frozen=True):
    """One figure: a check's signal, and who else measures it."""

    words: str
    check: str
    signal: str
    program: str
    ask: Callable[[Servers], Awaitable[list[float]]]


async def output_of(*command: str, **environment: str) -> str:
    """What a program prints. Raises RuntimeError where it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(out.decode())
    return out.decode()


async def by_redis(servers: Servers) -> list[float]:
    """Median of 200 PINGs of one client, in seconds."""
    program = requirements.program("redis-benchmark", part="redis")
    words = ("-p", str(servers.redis.port), "-c", "1", "-n", "200", "-t", "ping_mbulk", "--csv")
    rows = (await output_of(program, *words, "-a", PASSWORD)).splitlines()
    head = next(row for row in rows if row.startswith('"test"')).split(",")
    values = next(row for row in rows if row.startswith('"PING')).split(",")
    return [float(values[head.index('"p50_latency_ms"')].strip('"')) / 1000]


async def by_curl(servers: Servers) -> list[float]:
    """Seconds from the name lookup to the last byte."""
    words = ("-s", "-o", os.devnull, "-w", "%{time_total}", f"{servers.backend.url}/health")
    return [float(await output_of(requirements.program("curl", part="curl"), *words))]


async def by_node(servers: Servers) -> list[float]:
    """Round trips of one user of the application's own client library."""
    node = requirements.program("node", part="node_backend")
    words = (str(SCRIPT), servers.backend.url, "1", "1", "0.1", "3")
    found = json.loads(await output_of(node, *words, JWT_SECRET=servers.backend.jwt_secret))
    return [float(each) for each in found["round_trip"]]


async def by_uclient(servers: Servers) -> list[float]:
    """The average round trip from one allocation to another and back."""
    program = requirements.program("turnutils_uclient", part="coturn")
    coturn = servers.coturn
    words = ["-y", "-c", "-n", "40", "-m", "1", "-l", "160", "-p", str(coturn.port)]
    words += ["-u", coturn.username, "-w", coturn.password, "127.0.0.1"]
    text = await output_of(program, *words)
    found = re.search(r"Average round trip delay ([\d.]+) ms", text)
    if found is None:
        raise RuntimeError(text)
    return [float(found[1]) / 1000]


FIGURES = (
    Figure("Redis, PING", "redis", "probe_redis_ping_seconds", "redis-benchmark", by_redis),
    Figure("`/health`", "health", "probe_http_duration_seconds", "curl", by_curl),
    Figure(
        "Socket.IO round trip",
        "signaling",
        "probe_signaling_rtt_seconds",
        "socket.io-client",
        by_node,
    ),
    Figure(
        "TURN relay, UDP", "turn", "probe_turn_relay_rtt_seconds", "turnutils_uclient", by_uclient
    ),
)


def sampled(document: dict[str, Any], figure: Figure) -> list[float]:
    """A signal's values by check, of the checks whose name begins so; phases are added up."""
    return [
        sum(float(each["value"]) for each in check["samples"] if each["signal"] == figure.signal)
        for check in document["checks"]
        if check["name"].split("-")[0] == figure.check and check["status"] == "ok"
    ]


def verdict(ours: float, theirs: float) -> str:
    """Whether two medians agree, and by how much they differ."""
    apart = abs(ours - theirs)
    agrees = apart <= max(TOLERANCE_SECONDS, TOLERANCE_SHARE * theirs)
    return f"{1000 * (ours - theirs):+.2f} ms, {'agrees' if agrees else 'DIFFERS'}"


async def measure(servers: Servers, folder: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Both sides' values by figure, in turns."""
    found: dict[str, tuple[list[float], list[float]]] = {each.words: ([], []) for each in FIGURES}
    names = ",".join(each.check for each in FIGURES)
    for _ in range(ROUNDS):
        done = await probe("--once", "--format=json", cwd=folder, env=servers.environment)
        document = json.loads(done.out)
        for figure in FIGURES:
            found[figure.words][0].extend(sampled(document, figure))
            found[figure.words][1].extend(await figure.ask(servers))
    print(f"{ROUNDS} rounds of {names}", file=sys.stderr)
    return found


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        redis, coturn = RedisServer(folder), Coturn(CoturnConfig(), folder)
        servers = Servers(NodeBackend("ok", {}, folder / "node.log"), redis, coturn)
        try:
            found = await measure(servers, folder)
        finally:
            servers.backend.stop()
            coturn.stop()
            redis.stop()
    print("| figure | other program | its median | probe --once | difference |")
    print("| --- | --- | --- | --- | --- |")
    for figure in FIGURES:
        ours, theirs = (median(each) for each in found[figure.words])
        print(
            f"| {figure.words} | {figure.program} | {1000 * theirs:.2f} ms | "
            f"{1000 * ours:.2f} ms | {verdict(ours, theirs)} |"
        )


if __name__ == "__main__":
    asyncio.run(main())
