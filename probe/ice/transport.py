"""What a call asks of ICE, and ICE between addresses of this host, by aioice.

The relayed way is in ``probe.ice.relay_pair``: there aioice's own order of permissions and
checks would be measured, not the relay.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from probe.core.model import CheckAborted
from probe.ice.aioice_import import Connection, TransportPolicy
from probe.net.tasks import finish

RTO = 0.5  # seconds, RFC 8489 section 6.2.1: when a check that was not answered is sent again
CLOSE_SECONDS = 0.5
"""How long aioice may take to close where who waits for it is cancelled: cut off in the middle, it
leaves sockets behind."""


class IceTransport(Protocol):
    """One side's ICE transport, with one component and without trickling.

    In order: ``gather``, ``set_remote``, ``connect``; ``close`` at any moment. ``_recv`` and
    ``_send`` are what aiortc's RTCDtlsTransport asks for; both raise ConnectionError once
    nothing goes any more.
    """

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``; aiortc derives the DTLS role from it."""

    @property
    def has_candidates(self) -> bool:
        """Whether gathering has found an address."""

    @property
    def rtt(self) -> float | None:
        """Round trip of the check that connected, in seconds; None before, or if unknown."""

    @property
    def retransmissions(self) -> int:
        """How often a timer had something sent again that was not answered."""

    @property
    def failure(self) -> CheckAborted | None:
        """Why nothing is sent any more, where the relay has reported it."""

    @property
    def refusal(self) -> CheckAborted | None:
        """Why nothing comes from a relay that refuses now, and has not answered since."""

    async def gather(self) -> None:
        """Find an address. Raises CheckFailed where the relay gives none."""

    async def set_remote(self, other: "IceTransport") -> None:
        """Take the remote candidates and credentials, as signaling would bring them."""

    async def connect(self) -> None:
        """Connectivity checks until a pair is nominated. Raises ConnectionError, CheckFailed."""

    async def until_failed(self) -> None:
        """Return once there is a ``failure``."""

    async def settle(self, seconds: float) -> None:
        """Wait until what the path has asked of the relay is answered, for which there are so many
        seconds; ``failure`` then says whether it was refused."""

    async def close(self) -> None:
        """Give everything back."""

    async def _recv(self) -> bytes: ...

    async def _send(self, data: bytes) -> None: ...


class HostIce:
    """Between addresses of this host, on an ``aioice.Connection``."""

    def __init__(
        self,
        *,
        controlling: bool,
        clock: Callable[[], float],
        connection: Connection | None = None,
    ) -> None:
        self._connection = connection or Connection(
            controlling, transport_policy=TransportPolicy.ALL
        )
        self._clock = clock
        self._gathering: asyncio.Task[None] | None = None
        self.rtt: float | None = None
        self.retransmissions = 0
        self.failure: CheckAborted | None = None
        self.refusal: CheckAborted | None = None

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return "controlling" if self._connection.ice_controlling else "controlled"

    @property
    def has_candidates(self) -> bool:
        """Whether this host has an address besides loopback."""
        return bool(self._connection.local_candidates)

    async def gather(self) -> None:
        """Find this host's addresses."""
        self._gathering = asyncio.create_task(self._connection.gather_candidates())
        await asyncio.shield(self._gathering)

    async def set_remote(self, other: IceTransport) -> None:
        """Learn the other side's candidates and credentials."""
        remote = cast(HostIce, other)._connection
        self._connection.remote_username = remote.local_username
        self._connection.remote_password = remote.local_password
        for candidate in remote.local_candidates:
            await self._connection.add_remote_candidate(candidate)
        # Without the end of candidates a failure is never reported.
        await self._connection.add_remote_candidate(None)

    async def connect(self) -> None:
        """Raises ConnectionError when no pair connects."""
        started = self._clock()
        await self._connection.connect()
        # aioice doesn't report it; but on one host only its timer can take that long.
        self.retransmissions = int(self._clock() - started >= RTO)

    async def until_failed(self) -> None:
        """aioice says nothing of it: never."""
        await asyncio.Event().wait()

    async def settle(self, seconds: float) -> None:
        """There is no relay."""

    async def close(self) -> None:
        """Close the sockets."""
        await finish(self._close(), within=CLOSE_SECONDS)

    async def _close(self) -> None:
        if self._gathering is not None:
            # Closed in the middle of gathering, aioice would leave sockets behind.
            await asyncio.wait({self._gathering})
        await self._connection.close()

    async def _recv(self) -> bytes:
        return await self._connection.recv()

    async def _send(self, data: bytes) -> None:
        await self._connection.send(data)
