"""Requests on one connection after the other, signed with long-term credentials (RFC 8489)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from probe.core.model import CheckFailed
from probe.stun import message as messages
from probe.stun.codec import MessageClass, Method, StunMessage
from probe.stun.connection import StunConnection
from probe.stun.credentials import TurnCredentials
from probe.stun.long_term_credentials import LongTermAuth
from probe.stun.message import PeerAddress
from probe.turn.errors import error_from_code


class AuthenticatedConnection:
    """The current connection, the byte counts of all of them, and signed requests.

    ``now`` is the wall clock in seconds since 1970.
    """

    def __init__(self, credentials: TurnCredentials | None, now: Callable[[], float]) -> None:
        self._credentials, self._now = credentials, now
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
        is renewed once (RFC 8489 9.2.4)."""
        answer = await self._transact(method, attributes)
        if self._auth.update_nonce(answer):
            answer = await self._transact(method, attributes)
        if answer.message_class == MessageClass.ERROR and answer.error_code != accepted:
            raise self._error(answer, method, peer)
        return answer

    async def _transact(self, method: Method, attributes: Mapping[str, Any]) -> StunMessage:
        request = messages.make_request(method, attributes, self._auth.attributes)
        return await self._transport().transactions.run(request, self._auth.key)

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
