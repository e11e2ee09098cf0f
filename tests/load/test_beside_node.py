"""What the generator measures, compared with an independent one with the application's own client.

``make bench-load`` is the long form; here the ratio has room for a busy machine.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from probe.load.plan import LoadPlan
from tests import requirements
from tests.load.loading import SIGNALING_STEPS, generator
from tests.servers.node_backend import NodeBackendFactory

FOLDER = Path(__file__).parent.parent / "servers" / "node"
USERS, SECONDS, THINK, TRIPS = 10, 3, 0.05, 3

pytestmark = pytest.mark.parts


async def in_node(url: str, secret: str) -> dict[str, list[float]]:
    if not (FOLDER / "node_modules" / "socket.io-client").exists():
        requirements.missing("node_backend", "socket.io-client is not installed")
    process = await asyncio.create_subprocess_exec(
        requirements.program("node", part="node_backend"),
        str(FOLDER / "load.mjs"),
        *map(str, (url, USERS, SECONDS, THINK, TRIPS)),
        env={"PATH": os.environ["PATH"], "JWT_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found: dict[str, list[float]] = json.loads(out)
    return found


async def test_round_trips_are_those_that_socketio_client_measures(
    node_backend: NodeBackendFactory,
) -> None:
    backend = node_backend(LATENCY="20-200")
    theirs = sorted((await in_node(backend.url, backend.jwt_secret))["round_trip"])
    environment = {"BACKEND_URL": backend.url, "JWT_SECRET": backend.jwt_secret}
    plan = LoadPlan(USERS, SECONDS, think=THINK, ramp=0.3, steps=SIGNALING_STEPS)
    ours = (await generator(environment, plan).run()).steps["round_trip"].latency
    assert ours.count > 50 < len(theirs)
    for share in (0.5, 0.95):
        mine, other = ours.quantile(share), theirs[int(share * len(theirs))]
        assert mine is not None
        assert 0.5 < mine / other < 2
    median = ours.quantile(0.5)
    assert median is not None
    # The server answers after 20 to 200 ms: no generator can measure less.
    assert median > 0.05
