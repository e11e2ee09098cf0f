"""Diagnosis of a failed call by our own client, whose errors keep their cause."""

import asyncio
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn.relay_path import RelayPath

# Phases of the relay path in which packets have come through already.
_RELAYED = ("echo", "server_rtt", "mtu")
_DIAGNOSED_CAUSES = (Cause.ICE_FAILED, Cause.DTLS_FAILED)


class Diagnosis(Struct, frozen=True):
    """Examines one server; each attempt ends within ``limit`` seconds."""

    url: TurnUri
    credentials: TurnCredentials
    context: Context
    ca_file: Path | None
    limit: float

    async def of(self, error: CheckFailed) -> NoReturn:
        """What is behind a call that did not connect: the relay path reveals a refused peer,
        a hairpin, or large packets that are lost."""
        if error.cause in _DIAGNOSED_CAUSES:
            record = Recorder()
            path = RelayPath(
                self.url,
                self.credentials,
                record,
                self.context,
                ca_file=self.ca_file,
                bounds=PhaseTimeouts(self.limit, self.limit / 2, setup=self.limit),
            )
            try:
                await self._measure(path, error)
            except CheckFailed as found:
                # Once packets have come through, only their size can still be what is wrong.
                if found.cause is Cause.LARGE_PACKETS_LOST or record.current not in _RELAYED:
                    found.phase = error.phase
                    raise
        raise error

    async def _measure(self, path: RelayPath, error: CheckFailed) -> None:
        try:
            async with asyncio.timeout(self.limit):
                await path.measure(1)
        except TimeoutError:
            message = f"the server doesn't answer within {self.limit:g} s"
            raise CheckFailed(Cause.DEADLINE, message, phase=error.phase) from None
