"""ICE restart below DTLS (RFC 8445 section 9): a transport whose agent can be replaced."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from probe.core.model import CheckAborted
from probe.ice.relay_pair import RelayPairIce
from probe.ice.transport import IceTransport
from probe.turn.refreshable_client import RefreshableClient


class RestartableIce:
    """One side's ICE, as an ``IceTransport``; ``make`` gives a new one for each restart.

    DTLS and all above it stay (RFC 8445 section 9, RFC 8842 section 4): packets that go out
    while there is no way are lost, as on any network. While ``suspended``, without consent,
    nothing may go out (RFC 7675 section 5.1), whether or not there is a way.
    """

    def __init__(self, make: Callable[[], RelayPairIce]) -> None:
        self.make = make
        self.current = make()
        self.suspended = False
        self._renewed = asyncio.Event()
        self._closed = False

    @property
    def client(self) -> RefreshableClient:
        """The allocation of now."""
        return cast(RefreshableClient, self.current.client)

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return self.current.role

    @property
    def has_candidates(self) -> bool:
        """Whether the relay has given an address."""
        return self.current.has_candidates

    @property
    def rtt(self) -> float | None:
        """Round trip of the check that connected, in seconds."""
        return self.current.rtt

    @property
    def retransmissions(self) -> int:
        """How often a timer had something sent again."""
        return self.current.retransmissions

    @property
    def failure(self) -> CheckAborted | None:
        """Why nothing is sent any more, where the relay has reported it."""
        return self.current.failure

    @property
    def refusal(self) -> CheckAborted | None:
        """Why nothing comes from a relay that refuses now."""
        return self.current.refusal

    async def gather(self) -> None:
        """Allocate. Raises CheckFailed."""
        await self.current.gather()

    async def set_remote(self, other: IceTransport) -> None:
        """Learn of the other side."""
        await self.current.set_remote(cast(RestartableIce, other).current)

    async def connect(self) -> None:
        """Checks until a pair is nominated. Raises CheckFailed."""
        await self.current.connect()

    async def until_failed(self) -> None:
        """Never: what fails is restarted."""
        await asyncio.Event().wait()

    async def settle(self, seconds: float) -> None:
        """As of the ICE of now."""
        await self.current.settle(seconds)

    def switch_to(self, ice: RelayPairIce) -> RelayPairIce:
        """Go on with another one, which is connected; returns the old one, to be closed."""
        old, self.current, self.suspended = self.current, ice, False
        self._renewed.set()
        return old

    async def close(self) -> None:
        """Delete the allocation and close. Never raises."""
        self._closed = True
        self._renewed.set()
        await self.current.close()

    async def _recv(self) -> bytes:
        while True:
            ice = self.current
            try:
                return await ice._recv()
            except ConnectionError:
                if self._closed:
                    raise
            if self.current is ice:
                self._renewed.clear()
                await self._renewed.wait()

    async def _send(self, data: bytes) -> None:
        if self.suspended:
            return
        with suppress(ConnectionError):
            await self.current._send(data)
