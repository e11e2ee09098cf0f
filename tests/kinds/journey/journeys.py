"""Journeys through the lab and through the reference server on Node, and what they leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result
from probe.core.runner import run_check
from probe.kinds.journey import KIND, JourneyTable
from probe.lab.backend import LabBackend
from probe.lab.knobs import BackendKnobs
from tests.servers.node_backend import Mode as NodeMode
from tests.servers.node_backend import NodeBackend, NodeBackendFactory
from tests.turn.turn_lab import PASSWORD, SECRET, USERNAME, TurnLab, turn_lab

JWT_SECRET = "a secret of thirty-two bytes or more"
PHASES = [
    "token",
    "credentials",
    "dns",
    "connect",
    "queue",
    "match",
    "signal",
    "ice",
    "dtls",
    "open",
    "echo",
    "end",
]
ECHOES = 3


@dataclass
class JourneyLab:
    """A backend of the lab and a relay, and what they still hold."""

    backend: LabBackend
    turn: TurnLab

    @property
    def knobs(self) -> BackendKnobs:
        return self.backend.knobs

    def check(self, **table: Any) -> Check:
        return journey_check(self.backend.url, self.turn.ca_file, **table)

    @property
    def held(self) -> dict[str, int]:
        return {
            "sessions": self.backend.sessions,
            "queue": self.backend.queue_length,
            "rooms": self.backend.signaling.matching.sessions,
            "allocations": self.turn.server.allocations,
        }

    async def is_clean(self, context: Context) -> bool:
        """Whether everything has been given back, once closings and the server are done."""
        assert await context.closing.drain(timeout=20) == 0
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while any(self.held.values()):  # noqa: ASYNC110 - a server tells nobody
                    await asyncio.sleep(0.01)
        assert not any(self.held.values()), self.held
        return True


def journey_check(url: str, ca_file: Path, **table: Any) -> Check:
    """A check with few echoes that mints its tokens."""
    settings = {"name": "journey", "url": url, "ca_file": ca_file, "jwt_secret": JWT_SECRET}
    return Check(KIND, JourneyTable.model_validate({**settings, "echoes": ECHOES, **table}))


@asynccontextmanager
async def journey_lab(directory: Path) -> AsyncIterator[JourneyLab]:
    async with turn_lab(directory) as turn:
        backend = LabBackend(
            jwt_secret=JWT_SECRET, turn_secret=SECRET, turn_urls=turn.server.urls()
        )
        # Runs follow each other faster here than any budget allows.
        backend.knobs.limits = False
        await backend.start()
        try:
            yield JourneyLab(backend, turn)
        finally:
            await backend.stop()


@dataclass
class NodeLab:
    """The reference server on Node, and a relay."""

    node: NodeBackend
    turn: TurnLab

    def check(self, **table: Any) -> Check:
        return journey_check(self.node.url, self.turn.ca_file, **table)

    async def state(self) -> dict[str, int]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.node.url}/test/state") as response,
        ):
            found: dict[str, int] = await response.json()
            return found

    async def is_clean(self, context: Context) -> bool:
        assert await context.closing.drain(timeout=20) == 0
        async with asyncio.timeout(30):
            while True:
                state = await self.state()
                held = [state[name] for name in ("sessions", "queue", "rooms")]
                if not any(held) and not self.turn.server.allocations:
                    return True
                await asyncio.sleep(0.02)


@asynccontextmanager
async def node_lab(
    directory: Path, factory: NodeBackendFactory, mode: NodeMode = "ok"
) -> AsyncIterator[NodeLab]:
    async with turn_lab(directory) as turn:
        login = {"TURN_USERNAME": USERNAME, "TURN_PASSWORD": PASSWORD}
        urls = " ".join(turn.server.urls())
        yield NodeLab(factory(mode, JWT_SECRET=JWT_SECRET, TURN_URLS=urls, **login), turn)


async def run(check: Check, context: Context) -> Result:
    return await run_check(check, context)
