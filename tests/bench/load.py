"""``make bench-load``: ``probe load`` and an independent generator, and the whole way of users.

The target is the reference Socket.IO server with coturn. The other generator is a Node script
with the application's own client library (``tests/servers/node/load.mjs``). Both take turns,
ROUNDS times each, since the machine may be shared; medians over the rounds are compared. Then
users take the whole way with relayed calls, which no Node client can.
"""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests import requirements
from tests.command import probe
from tests.servers.coturn import Coturn, CoturnConfig
from tests.servers.node_backend import NodeBackend

SCRIPT = Path(__file__).parent.parent / "servers" / "node" / "load.mjs"
ROUND_TRIPS = 3
STEPS = ("session", "round_trip")
LATENCY = "20-200"
"""Milliseconds after which the backend answers, evenly distributed."""


class Scenario(Struct, frozen=True):
    """Users, seconds of one round, mean think time in seconds, processes of ours."""

    users: int
    seconds: int
    think: float
    workers: int = 1


COMPARED = (Scenario(10, 10, 0.5), Scenario(200, 30, 5.0, workers=2))
WHOLE_WAY = (Scenario(10, 30, 3.0), Scenario(200, 60, 30.0, workers=2))


@dataclass
class Compared:
    """Seconds of both generators, by step; ``own`` are our stated shares, ``cpu`` of one core."""

    node: dict[str, list[float]] = field(default_factory=dict)
    probe: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failed: int = 0
    cpu: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    node_cpu: list[float] = field(default_factory=list)
    node_lag: list[float] = field(default_factory=list)


async def in_node(url: str, secret: str, scenario: Scenario, found: Compared) -> None:
    """One round of the Node script."""
    words = (url, scenario.users, scenario.seconds, scenario.think, ROUND_TRIPS)
    process = await asyncio.create_subprocess_exec(
        requirements.program("node", part="node_backend"),
        str(SCRIPT),
        *map(str, words),
        env={"PATH": os.environ["PATH"], "JWT_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    document = json.loads(out)
    found.failed += document["failed"]
    found.node_cpu.append(document["cpu"])
    found.node_lag.append(document["lag_p95"])
    for step in STEPS:
        found.node.setdefault(step, []).extend(document[step])


async def in_probe(
    environment: dict[str, str], scenario: Scenario, folder: Path, *more: str
) -> dict[str, Any]:
    """One round of ours; its JSON report."""
    report = folder / "load.json"
    done = await probe(
        "load",
        f"--users={scenario.users}",
        f"--for={scenario.seconds}s",
        f"--think={scenario.think}s",
        f"--workers={scenario.workers}",
        "--yes-i-own-this",
        "--format=json",
        f"--output={report}",
        *more,
        cwd=folder,
        env=environment,
    )
    if done.code not in (0, 2, 3):
        raise RuntimeError(done.err)
    document: dict[str, Any] = json.loads(report.read_text())
    return document


async def compare(backend: NodeBackend, scenario: Scenario, rounds: int, folder: Path) -> Compared:
    """Rounds in turns."""
    found = Compared()
    environment = {"BACKEND_URL": backend.url, "JWT_SECRET": backend.jwt_secret}
    for _ in range(rounds):
        await in_node(backend.url, backend.jwt_secret, scenario, found)
        report = await in_probe(environment, scenario, folder, f"--steps={','.join(STEPS)}")
        found.failed += sum(step["failed"] for step in report["steps"])
        found.cpu.append(report["own"]["busiest_worker_cpu_ratio"])
        found.lag.append(report["own"]["loop_lag_p95_seconds"])
        for step in report["steps"]:
            found.probe.setdefault(step["name"], []).append(step)
    return found


def quantile(values: list[float], share: float) -> float:
    """Of raw values, by the nearest rank."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def compared_rows(scenario: Scenario, found: Compared) -> list[str]:
    """Markdown rows: medians over rounds of our quantiles and those of all of Node's values."""
    rows = []
    for step in STEPS:
        ours, theirs = found.probe[step], found.node[step]
        size = len(theirs) // len(ours)
        parts = [theirs[number * size : (number + 1) * size] for number in range(len(ours))]
        cells = []
        for name, share in (("p50_seconds", 0.5), ("p95_seconds", 0.95)):
            mine = quantile([each[name] for each in ours], 0.5)
            other = quantile([quantile(part, share) for part in parts], 0.5)
            cells += [milliseconds(other), milliseconds(mine), f"{mine / other - 1:+.0%}"]
        own = quantile([each["own_share"] or 0.0 for each in ours], 0.5)
        count = sum(each["passed"] for each in ours)
        rows.append(
            f"| {scenario.users} | {step} | {len(theirs):,} / {count:,} | "
            + " | ".join(cells)
            + f" | {own:.0%} |"
        )
    return rows


def milliseconds(seconds: float) -> str:
    """For a table."""
    return f"{1000 * seconds:.2f} ms"


def whole_rows(scenario: Scenario, report: dict[str, Any]) -> list[str]:
    """Markdown rows of the whole way."""
    rows = []
    for step in report["steps"]:
        if step["name"] in ("health", "session", "round_trip", "credentials", "call", "iteration"):
            own = step["own_share"] or 0.0
            rows.append(
                f"| {scenario.users} | {step['name']} | {step['passed']:,} | {step['failed']} | "
                f"{milliseconds(step['p50_seconds'])} | {milliseconds(step['p95_seconds'])} | "
                f"{milliseconds(step['p99_seconds'])} | {own:.0%} |"
            )
    own = report["own"]
    rows.append(
        f"\n{scenario.users} users, {scenario.workers} worker(s): {report['verdict']}; "
        f"loop lag p95 {milliseconds(own['loop_lag_p95_seconds'])}, CPU of the busiest worker "
        f"{own['busiest_worker_cpu_ratio']:.0%} of one core\n"
    )
    return rows


def backend_with(coturn: Coturn, folder: Path) -> NodeBackend:
    """The reference backend, which issues this relay, and answers as late as a real one."""
    variables = {
        "LATENCY": LATENCY,
        "TURN_PROVIDER": "coturn",
        "TURN_SHARED_SECRET": coturn.secret or "",
        "TURN_URLS": coturn.udp_url,
    }
    return NodeBackend("ok", variables, folder / "node.log")


HEAD = (
    "| users | step | samples, Node / probe | p50 Node | p50 probe | | p95 Node | p95 probe | "
    "| own |"
    "\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
WHOLE_HEAD = (
    "\n| users | step | passed | failed | p50 | p95 | p99 | own |"
    "\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)


async def main(rounds: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        coturn = Coturn(CoturnConfig(auth_secret=True), folder)
        backend = backend_with(coturn, folder)
        try:
            print(HEAD)
            for scenario in COMPARED:
                found = await compare(backend, scenario, rounds, folder)
                print("\n".join(compared_rows(scenario, found)), flush=True)
                lag = milliseconds(quantile(found.lag, 0.5))
                cpu = quantile(found.cpu, 0.5)
                print(f"{found.failed} failed, CPU {cpu:.0%}, loop lag p95 {lag};", file=sys.stderr)
                lag = milliseconds(quantile(found.node_lag, 0.5))
                cpu = quantile(found.node_cpu, 0.5)
                print(f"Node's own: CPU {cpu:.0%}, loop lag p95 {lag}", file=sys.stderr)
            print(WHOLE_HEAD)
            for scenario in WHOLE_WAY:
                environment = {"BACKEND_URL": backend.url, "JWT_SECRET": backend.jwt_secret}
                report = await in_probe(environment, scenario, folder)
                print("\n".join(whole_rows(scenario, report)), flush=True)
        finally:
            backend.stop()
            coturn.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))
