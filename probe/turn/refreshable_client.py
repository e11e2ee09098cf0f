"""An allocation that can be refreshed, deleted behind its user, or asked with a stale nonce."""

import asyncio
import secrets

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.codec import Method
from probe.stun.message import PeerAddress
from probe.turn.client import TurnClient

FORGETTING_SECONDS = 5.0
NOT_FORGOTTEN = (Cause.STALE_NONCE, Cause.AUTH_REJECTED)
"""Refusals that say nothing of the allocation; any other says that it is gone."""


class Refreshed(Struct, frozen=True):
    """What a Refresh took, and the allocation's lifetime now; both in seconds."""

    seconds: float
    lifetime: float


class RefreshableClient(TurnClient):
    """An allocation whose life can be looked into."""

    async def refresh(self) -> Refreshed:
        """Refresh (RFC 8656 section 8). Raises CheckFailed(allocation_lost, stale_nonce, …)."""
        started = self._clock()
        lifetime = await self.refresh_lifetime()
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
        self._stale_nonce = secrets.token_hex(16).encode()
        self._auth.attributes["NONCE"] = self._stale_nonce

    @property
    def has_fresh_nonce(self) -> bool:
        """Whether the server has replaced the spoilt one (RFC 8489 section 9.2.4)."""
        return bool(self._auth.attributes.get("NONCE") != self._stale_nonce)

    _stale_nonce = b""
