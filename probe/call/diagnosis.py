"""A closer look at a call that failed, by our own client, whose errors keep their cause."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn.relay_path import RelayPath

# Phases of the relay path in which packets have come through already.
_RELAYED = ("echo", "server_rtt")


@dataclass(frozen=True)
class Diagnosis:
    """Looks at one server; each look ends within ``limit`` seconds."""

    url: TurnUri
    credentials: TurnCredentials
    context: Context
    ca_file: Path | None
    limit: float

    async def of_ice(self, error: CheckFailed) -> NoReturn:
        """What is behind an ICE failure: the relay path reveals a refused peer or a hairpin."""
        if error.cause is Cause.ICE_FAILED:
            record = Recorder()
            path = RelayPath(
                self.url,
                self.credentials,
                record,
                self.context,
                ca_file=self.ca_file,
                timeout=self.limit / 2,
            )
            try:
                await self._take(path)
            except CheckFailed:
                # Once packets have come through, the relay path is no longer what is wrong.
                if record.current not in _RELAYED:
                    raise
        raise error

    async def _take(self, path: RelayPath) -> None:
        try:
            async with asyncio.timeout(self.limit):
                await path.measure(1)
        except TimeoutError:
            message = f"the server doesn't answer within {self.limit:g} s"
            raise CheckFailed(Cause.DEADLINE, message, phase="ice") from None
        except CheckFailed as error:
            raise CheckFailed(error.cause, error.message, phase="ice", hint=error.hint) from None
