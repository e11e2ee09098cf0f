"""Shorthands of the tests that call from one probe to another through two NATs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.command import Process, probe, start
from tests.daemon.running import PATIENCE
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.servers.middleboxes.nat import PORT, Home, TwoHomes, once

ECHOES = 50
NAME = "peer-198.51.2.2-primary"
TOKEN = "0f-b0th-pr0bes-here"
ONE_CALL = ("--once", "--only", "peer", "--format", "json")


@dataclass
class Pair:
    """Two homes and a relay between them; ``environment`` is both probes'."""

    homes: TwoHomes
    server: Coturn
    folder: Path
    environment: dict[str, str]

    @property
    def door(self) -> str:
        """Where the right one is called, from anywhere."""
        return f"http://{self.homes.right.outside}:{PORT}"

    async def call(self, **more: str) -> tuple[dict[str, Any], dict[str, float]]:
        """One run on the left: the check, and its samples by name and path."""
        env = {**self.environment, "PROBE_PEERS": self.door, **more}
        prefix = self.homes.left.prefix
        for _ in range(3):
            done = await probe(*ONE_CALL, cwd=self.folder, env=env, prefix=prefix)
            assert done.out, done.err
            check, samples = once(done.out)
            # A machine that stands still for seconds says nothing of what is between the two.
            if (check["failure"] or {}).get("cause") != "own_stall":
                break
        return check, samples

    @asynccontextmanager
    async def answering(self, **more: str) -> AsyncIterator[Process]:
        """A daemon on the right until the block ends."""
        async with running(self.homes.right, self.folder, {**self.environment, **more}) as process:
            yield process


@asynccontextmanager
async def running(
    home: Home, folder: Path, environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[Process]:
    """A daemon in a home, once all its checks have run."""
    place = folder / home.name
    place.mkdir(exist_ok=True)
    env = {"PROBE_LISTEN": f"0.0.0.0:{PORT}", **environment}
    only = arguments or ("--only", "turn")
    process = await start(*only, cwd=place, env=env, prefix=home.prefix)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(_is_ready, home):
                assert process.returncode is None
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _is_ready(home: Home) -> bool:
    try:
        return home.ask("/readyz")[0] == 200
    except (OSError, HTTPException):
        return False


@asynccontextmanager
async def pair(mapping: Any, folder: Path, coturn: CoturnFactory) -> AsyncIterator[Pair]:
    """Two homes with NATs of this kind, and a TURN server in public."""
    with TwoHomes(mapping) as homes:
        server = coturn(CoturnConfig(address=homes.net.address, prefix=homes.net.prefix))
        environment = {
            "PROBE_PEER_TOKEN": TOKEN,
            "TURN_URLS": server.udp_url,
            "TURN_USERNAME": server.username,
            "TURN_PASSWORD": server.password,
        }
        yield Pair(homes, server, folder, environment)
