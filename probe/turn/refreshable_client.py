"""What a call needs to outlive its relay: ICE that is restarted below DTLS, and an allocation
that is refreshed, forgotten, or asked with a nonce that is no longer good.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.ice.relay_pair import RelayPairIce
from probe.ice.transport import IceTransport
from probe.stun.codec import Method
from probe.stun.message import PeerAddress
from probe.stun.transaction import LIBWEBRTC
from probe.turn.client import TurnClient

FORGETTING_SECONDS = 5.0
NOT_FORGOTTEN = (Cause.STALE_NONCE, Cause.AUTH_REJECTED)
"""Refusals that say nothing of the allocation; any other says that it is gone."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a Refresh took, and for how long the allocation stands now; both in seconds."""

    seconds: float
    lifetime: float


class RefreshableClient(TurnClient):
    """An allocation whose life can be looked into, asked for as often as a browser asks."""

    timers = LIBWEBRTC

    async def refresh(self) -> Refreshed:
        """Refresh (RFC 8656 section 8). Raises CheckFailed(allocation_lost, stale_nonce, …)."""
        started = self._clock()
        answer = await self._request(Method.REFRESH, {})
        lifetime = float(answer.attributes.get("LIFETIME", 0))
        return Refreshed(self._clock() - started, lifetime)

    async def delete_and_confirm(self, peer: PeerAddress) -> None:
        """Delete the allocation and keep the way to the server.

        From then on requests are answered as by a server that was restarted: 437, or as
        coturn does with 400, or by closing the connection. coturn takes a second for it, in
        which a Refresh would revive the allocation; so it is a permission for ``peer`` that
        is asked for until it is refused. Raises CheckFailed(protocol_error) where the server
        never forgets.
        """
        await self._request(Method.REFRESH, {"LIFETIME": 0})
        granted = 0
        try:
            async with asyncio.timeout(FORGETTING_SECONDS):
                while True:
                    answered = granted
                    await self.create_permission(peer)
                    granted += 1
                    await asyncio.sleep(FORGETTING_SECONDS / 50)
        except TimeoutError:
            if answered == granted:
                return  # silence: some servers answer nothing where there is no allocation
            message = "the server keeps an allocation that was deleted"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message) from None
        except CheckFailed as error:
            if error.cause in NOT_FORGOTTEN:
                raise

    def use_stale_nonce(self) -> None:
        """Go on with a nonce that the server never gave, which is as stale as any."""
        self._spoilt = secrets.token_hex(16).encode()
        self._signature.attributes["NONCE"] = self._spoilt

    @property
    def has_fresh_nonce(self) -> bool:
        """Whether the server has replaced the spoilt one (RFC 8489 section 9.2.4)."""
        return bool(self._signature.attributes.get("NONCE") != self._spoilt)

    _spoilt = b""


class RestartableIce:
    """One side's ICE, as an ``Ice``; ``make`` gives a new one for each restart.

    DTLS and all above it stay (RFC 8445 section 9, RFC 8842 section 4): packets that go out
    while there is no way are lost, as on any network. While ``suspended``, for want of consent,
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
        """Why nothing goes any more, where the relay has told."""
        return self.current.failure

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

    async def settle(self) -> None:
        """As of the ICE of now."""
        await self.current.settle()

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
