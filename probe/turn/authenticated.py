"""Requests on one connection after the other, signed with long-term credentials (RFC 8489)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun import message as messages
from probe.stun.codec import MessageClass, Method, StunMessage
from probe.stun.connection import StunConnection
from probe.stun.credentials import TurnCredentials
from probe.stun.long_term_credentials import LongTermAuth
from probe.stun.message import PeerAddress
from probe.stun.transaction import UnsignedAnswer
from probe.turn.errors import OF_AN_ANSWER, error_from_code

MAX_RENEWALS = 8
"""How often in a row a nonce may be stale; browsers go on for ever."""
CALL_ENDS = "browsers end the call after 40 s"
_BIND_AGAIN_SECONDS = 0.1
# What becomes of a request that no answer ends, as seen of Chromium.
_UNANSWERED = {
    Method.CREATE_PERMISSION: CALL_ENDS,
    Method.CHANNEL_BIND: CALL_ENDS,
    Method.REFRESH: "browsers lose the allocation when its lifetime ends",
}


class AuthenticatedConnection:
    """The current connection, the byte counts of all of them, and signed requests.

    ``clock`` is monotonic, ``now`` the wall clock in seconds since 1970.
    """

    def __init__(
        self,
        credentials: TurnCredentials | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._credentials, self._clock, self._now = credentials, clock, now
        self._connection: StunConnection | None = None
        self._earlier: list[StunConnection] = []
        self._auth = LongTermAuth()

    @property
    def retransmissions(self) -> int:
        """How many requests were retransmitted."""
        return sum(each.transactions.retransmissions for each in self._connections)

    @property
    def bytes_sent(self) -> int:
        """Sent in TURN messages."""
        return sum(each.bytes_sent for each in self._connections)

    @property
    def bytes_received(self) -> int:
        """Received in TURN messages."""
        return sum(each.bytes_received for each in self._connections)

    @property
    def connection(self) -> StunConnection | None:
        """The current connection."""
        return self._connection

    def since_arrival(self) -> float:
        """How many seconds ago the last message of the server reached this machine."""
        return self._connection.since_arrival() if self._connection is not None else 0.0

    @property
    def _connections(self) -> Sequence[StunConnection]:
        current = [self._connection] if self._connection is not None else []
        return [*self._earlier, *current]

    async def transaction(self) -> float:
        """One round trip to the server on the warm connection, in seconds.

        A Refresh: unlike Binding it also shows that the allocation is still there. Raises
        CheckFailed(allocation_lost) where it isn't.
        """
        started = self._clock()
        await self.refresh_lifetime()
        return self._clock() - started - self.since_arrival()

    async def refresh_lifetime(self) -> float:
        """Refresh (RFC 8656 section 8); the lifetime in seconds.

        Raises CheckFailed(allocation_lost) where the server ends the allocation, and
        CheckFailed(protocol_error) for an answer from which no browser learns its lifetime.
        """
        answer = await self._request(Method.REFRESH, {})
        lifetime = answer.attributes.get("LIFETIME")
        if lifetime is None:
            message = "the answer to refresh lacks LIFETIME: browsers lose the allocation"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        if lifetime == 0:
            message = "the server ends the allocation: its answer to refresh says LIFETIME 0"
            raise CheckFailed(Cause.ALLOCATION_LOST, message)
        return float(lifetime)

    async def confirm_silence(self, seconds: float) -> None:
        """Where Refresh is not answered: raise CheckFailed(deadline) if Binding is, within so
        many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                request = messages.make_request(Method.BINDING, {}, {})
                await self._transport().transactions.run(request, None)
                message = "the server answers, but no refresh: browsers lose the allocation"
                raise CheckFailed(Cause.DEADLINE, message)

    def raise_if_lost(self) -> None:
        """Raise the CheckFailed that ended the connection, if one has."""
        if self._connection is not None and self._connection.lost is not None:
            raise self._connection.lost

    def _switch_to(self, connection: StunConnection) -> None:
        """Use this connection from now on; its server sends a challenge of its own."""
        if self._connection is not None:
            self._earlier.append(self._connection)
        self._connection, self._auth = connection, LongTermAuth()

    def _transport(self) -> StunConnection:
        self.raise_if_lost()
        if self._connection is None:
            raise RuntimeError("there is no connection yet")
        return self._connection

    async def _request(
        self,
        method: Method,
        attributes: Mapping[str, Any],
        peer: PeerAddress | None = None,
        accepted: int | None = None,
    ) -> StunMessage:
        """A request that must succeed, or be answered with the ``accepted`` error; a stale nonce
        is renewed (RFC 8489 9.2.4) where browsers renew it: not of an Allocate."""
        answer = await self._transact(method, attributes)
        renewals = 0 if method == Method.ALLOCATE else MAX_RENEWALS
        while renewals and self._auth.update_nonce(answer):
            renewals -= 1
            answer = await self._transact(method, attributes)
        if answer.message_class == MessageClass.ERROR and answer.error_code != accepted:
            raise self._error(answer, method, peer)
        return answer

    async def _request_twice(
        self, method: Method, attributes: Mapping[str, Any], peer: PeerAddress
    ) -> None:
        """The same, and once more where it is refused: browsers drop the connection to that peer,
        and make a new one, with a channel of its own, of the next check that comes."""
        try:
            await self._request(method, attributes, peer)
        except CheckFailed as error:
            if error.cause not in OF_AN_ANSWER:
                raise
            await asyncio.sleep(_BIND_AGAIN_SECONDS)
            await self._request(method, attributes, peer)

    async def _transact(self, method: Method, attributes: Mapping[str, Any]) -> StunMessage:
        request = messages.make_request(method, attributes, self._auth.attributes)
        try:
            return await self._transport().transactions.run(request, self._auth.key)
        except UnsignedAnswer as error:
            if method in _UNANSWERED:
                error.message += f": {_UNANSWERED[method]}"
            raise

    def _error(
        self, answer: StunMessage, method: Method, peer: PeerAddress | None = None
    ) -> CheckFailed:
        return error_from_code(
            answer.error_code,
            method,
            username=self._credentials.username if self._credentials else "",
            now=self._now(),
            peer=peer[0] if peer else "",
            signed=self._auth.key is not None,
        )
