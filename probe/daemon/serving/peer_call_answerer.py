"""Answers calls from other probes, using the STUN and TURN servers that the daemon's own checks
use. aiortc is imported with the first offer: most probes get none."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from probe.core.context import Context
from probe.core.kind import Check
from probe.daemon.serving.status_overview import ProbeIdentity

if TYPE_CHECKING:
    from probe.ice.aioice_agent import IceServers
    from probe.peer.answerer import CallAnswerer

ENGINES = ("probe.peer.answerer", "probe.peer.ice_servers")


class PeerAnswers:
    """``checks`` gives the current checks, whose servers are used."""

    def __init__(
        self, context: Context, identity: ProbeIdentity, checks: Callable[[], Sequence[Check]]
    ) -> None:
        self._context, self._identity, self._checks = context, identity, checks
        self._engine: CallAnswerer | None = None
        self._loading = asyncio.Lock()

    async def answer(self, body: bytes) -> tuple[int, bytes, int]:
        """An HTTP status, a body, and after how many seconds to retry (0: unspecified)."""
        async with self._loading:
            engine = self._engine or await self._load()
        reply = await engine.answer(body)
        return reply.status, reply.body, reply.retry_after

    async def close(self) -> None:
        """End every call."""
        if self._engine is not None:
            await self._engine.close()

    async def _load(self) -> "CallAnswerer":
        for name in ENGINES:
            await asyncio.to_thread(import_module, name)
        from probe.peer.answerer import CallAnswerer
        from probe.peer.call import identity_of
        from probe.peer.ice_servers import servers_among

        local = identity_of(self._context, self._identity.version, self._identity.region)

        async def servers(provider: str) -> "IceServers":
            return await servers_among(self._checks(), provider, self._context)

        self._engine = CallAnswerer(self._context, local, servers)
        return self._engine
