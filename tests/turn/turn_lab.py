"""The lab's TURN server with everything that a test of ours needs around it."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import CheckAborted, Result, Signal
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from probe.kinds.turn import KIND, TurnTable
from probe.lab.certificates import Authority
from probe.lab.knobs import TurnKnobs
from probe.lab.turn.server import LabTurnServer
from probe.stun.uri import parse_turn_url

USERNAME, PASSWORD, SECRET = "probe", "lab-password", "lab-secret"
HOST = "127.0.0.1"
WAYS = ("udp", "tcp", "tls")


@dataclass
class TurnLab:
    """A running server, and checks that look at it."""

    server: LabTurnServer
    ca_file: Path

    @property
    def knobs(self) -> TurnKnobs:
        return self.server.knobs

    def url(self, way: str = "udp") -> str:
        found = {parse_turn_url(url).kind: url for url in self.server.urls()}
        return cast(dict[str, str], found)[way]

    def check(self, way: str = "udp", **table: Any) -> Check:
        """A check with the right credentials, unless the table says otherwise."""
        login = {"username": USERNAME, "password": PASSWORD}
        defaults = {"name": f"turn-{way}", "url": self.url(way), "ca_file": self.ca_file}
        if "username" in table or "shared_secret" in table:
            login = {}
        return turn_check(**{**defaults, **login, "deadline": 5, **table})

    async def is_clean(self, context: Context) -> bool:
        """Whether closings come to their end and leave no allocation."""
        return await context.closing.drain(timeout=20) == 0 and self.server.allocations == 0


@asynccontextmanager
async def turn_lab(
    directory: Path,
    *,
    certificate: Callable[[Authority], ssl.SSLContext] | None = None,
    **server: Any,
) -> AsyncIterator[TurnLab]:
    """A server with a static user and a shared secret; ``server`` goes to TurnServer."""
    authority, ca_file = Authority(), directory / "authority.pem"
    authority.write(ca_file)
    tls = certificate(authority) if certificate else authority.issue([HOST, "localhost"])
    started = LabTurnServer(users={USERNAME: PASSWORD}, secret=SECRET, tls=tls, **server)
    await started.start()
    try:
        yield TurnLab(started, ca_file)
    finally:
        await started.stop()


def turn_check(**table: Any) -> Check:
    """A check of the turn kind."""
    return Check(KIND, TurnTable.model_validate({"name": "turn", **table}))


async def run(check: Check, context: Context | None = None) -> Result:
    """One run, on a context of its own unless one is given."""
    return await run_check(check, context or Context())


def values(result: Result) -> dict[Signal, float]:
    """The samples without labels."""
    return {sample.signal: sample.value for sample in result.samples}


def ending(result: Result) -> tuple[str, str] | None:
    """Phase and cause of a failure."""
    failure = result.failure
    return (failure.phase, failure.cause.value) if failure else None


class Told(Recorder):
    """A record that tells when a phase begins, however short it is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        super().__init__(clock)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "current":
            self.begun[value].set()


class Interrupted:
    """A run that a test can catch in the middle of a phase; not under a deadline."""

    def __init__(self, check: Check, context: Context) -> None:
        self.record = Told(context.clock)
        self._task = asyncio.create_task(check.kind.run(check.table, self.record, context))

    async def reaches(self, phase: str) -> None:
        """Return when the phase begins."""
        async with asyncio.timeout(30):
            await self.record.begun[phase].wait()

    async def ends(self, *, within: float = 6.0) -> tuple[str, str] | None:
        """Phase and cause of its failure."""
        try:
            async with asyncio.timeout(within):
                await self._task
        except CheckAborted as stop:
            return stop.phase or self.record.current, stop.cause.value
        return None

    async def cancel(self) -> None:
        """Cut it off."""
        self._task.cancel()
        await asyncio.wait({self._task})
