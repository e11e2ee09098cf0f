"""A TURN client (RFC 8656) whose phases can be timed apart and whose errors keep their code.

aioice's own client allocates in one go, lets its errors vanish in gathering and waits
63.5 s for the dead (RTC.md); this one waits for as long as whoever called it does.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from aioice.stun import Class, Message, Method

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.resolver import Address
from probe.stun import message as messages
from probe.stun.credentials import TurnCredentials
from probe.stun.long_term_credentials import LongTermAuth
from probe.stun.message import PeerAddress
from probe.stun.transaction import RFC_8489, RetransmissionTimers, Transactions
from probe.stun.transport import Phases, Transport, open_wire
from probe.stun.uri import TurnUri
from probe.turn.errors import check_relayed_address, error_from_code

CLOSE_SECONDS = 1.0
"""How long deleting an allocation may take before the socket is closed all the same."""

# Odd ones, so that two clients that were refused together don't come back together.
_QUOTA_PAUSES = (0.7, 1.1)

_NEXT_ADDRESS: tuple[Cause, ...] = (Cause.CONNECT_REFUSED, Cause.CONNECT_FAILED)
# The server remembers another user of our port: RFC 8656 section 7.4 asks for a fresh one.
_NEXT_PORT = (Cause.ALLOCATION_LOST,)

DataCallback = Callable[[bytes, PeerAddress], None]


class TurnClient:
    """One allocation on one server, by the way in that ``url`` names.

    ``open`` connects and allocates; ``close`` deletes and closes, in any state, and has to
    be called whatever happens. ``on_data`` is called with data and the peer's address,
    ``on_lost`` with the reason when the wire is lost. A ``patient`` client asks again where
    a quota is full, which its own user may have filled, and where its port is known already.
    Times are in seconds of ``clock``, None before they are measured. ``now`` is the wall
    clock in seconds since 1970.
    """

    timers: ClassVar[RetransmissionTimers] = RFC_8489

    def __init__(
        self,
        url: TurnUri,
        credentials: TurnCredentials | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        patient: bool = True,
    ) -> None:
        self.url = url
        self.unauthenticated: float | None = None
        self.allocate_seconds: float | None = None
        self.relayed: PeerAddress | None = None
        self.server: Address | None = None
        self.bytes_sent = self.bytes_received = 0
        self.on_data: DataCallback | None = None
        self.on_lost: Callable[[CheckAborted], None] | None = None
        self._patient = patient
        self._credentials = credentials
        self._clock, self._now = clock, now
        self._wire: Transport | None = None
        self._transactions = Transactions(self._send, reliable=False, timers=self.timers)
        self._lost: CheckAborted | None = None
        self._signature = LongTermAuth()
        self._allocating: asyncio.Task[Message] | None = None
        self._channels: dict[PeerAddress, int] = {}
        self._earlier_retransmissions = 0

    @property
    def retransmissions(self) -> int:
        """How many requests were sent again for want of an answer."""
        return self._earlier_retransmissions + self._transactions.retransmissions

    @property
    def round_trip(self) -> float:
        """What one transaction took while allocating, in seconds; 0 before there was one."""
        first, whole = self.unauthenticated or 0.0, self.allocate_seconds or 0.0
        return min(first, whole - first)

    async def open(
        self, addresses: Sequence[Address], phases: Phases, tls: ssl.SSLContext | None = None
    ) -> None:
        """Connect to the first of the addresses that takes us, and allocate.

        ``tls`` is for ``turns:``; None takes the system's authorities. Times the phases
        ``connect``, ``tls`` and ``allocate`` (the whole, from the first Allocate until the
        relayed address). Raises CheckFailed with the phase.
        """
        last = addresses[-1]
        attempts = [(address, _NEXT_ADDRESS) for address in addresses[:-1]]
        attempts += [(last, _NEXT_PORT), (last, ())] if self._patient else [(last, ())]
        for address, forgiven in attempts:
            try:
                return await self._open(address, phases, tls)
            except CheckFailed as error:
                if error.cause not in forgiven:
                    raise
                self.abort()
        raise AssertionError("the last attempt returns or raises")

    async def transaction(self) -> float:
        """One round trip to the server on the warm connection, in seconds.

        A Refresh: unlike Binding it also shows that the allocation is still there. Raises
        CheckFailed(allocation_lost) where it isn't.
        """
        started = self._clock()
        await self._request(Method.REFRESH, {})
        return self._clock() - started

    async def create_permission(self, peer: PeerAddress) -> None:
        """CreatePermission (RFC 8656 section 10). Raises CheckFailed(peer_forbidden)."""
        await self._request(Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": peer}, peer)

    async def channel_bind(self, peer: PeerAddress) -> None:
        """Bind a channel (RFC 8656 section 12), which ``send`` needs."""
        number = self._channels.get(peer, messages.FIRST_CHANNEL + len(self._channels))
        attributes = {"CHANNEL-NUMBER": number, "XOR-PEER-ADDRESS": peer}
        # Known before it is asked for: data may come right behind the answer.
        self._channels[peer] = number
        await self._request(Method.CHANNEL_BIND, attributes, peer)

    def send(self, peer: PeerAddress, data: bytes) -> None:
        """Send data by the peer's channel. Raises CheckFailed once the wire is lost."""
        self.raise_if_lost()
        self._send(messages.channel_data(self._channels[peer], data))

    def send_indication(self, peer: PeerAddress, data: bytes) -> None:
        """Send data in a Send indication (RFC 8656 section 11), which needs no channel.

        Without a permission the server drops it. Raises CheckFailed once the wire is lost.
        """
        self.raise_if_lost()
        self._send(messages.send_indication(peer, data))

    def raise_if_lost(self) -> None:
        """Raise the CheckFailed that ended the connection, if one has."""
        if self._lost is not None:
            raise self._lost

    async def close(self) -> None:
        """Delete the allocation, for a second at most, and close. Never raises."""
        try:
            with suppress(TimeoutError, CheckAborted):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._delete()
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the socket at once and leave the allocation to its own end."""
        if self._allocating is not None:
            self._allocating.cancel()
        if self._wire is not None:
            self._wire.abort()
        # After this nothing that is still asked can wait for ever.
        self._transactions.fail(CheckFailed(Cause.CONNECTION_CLOSED, "we closed the connection"))

    async def _delete(self) -> None:
        if self._allocating is not None and not self._allocating.cancelled():
            # Cut off in the middle, the server may be about to allocate: that has to be
            # awaited, or the allocation stays for ten minutes.
            await asyncio.shield(self._allocating)
        elif self.relayed is None:
            return
        await self._request(Method.REFRESH, {"LIFETIME": 0})

    async def _open(self, address: Address, phases: Phases, tls: ssl.SSLContext | None) -> None:
        self._renew(address)
        self._wire = await open_wire(self.url, address, self, phases=phases, tls=tls)
        self._transactions.reliable = self._wire.reliable
        with phases("allocate"):
            try:
                await self._allocate(address)
            except CheckFailed as error:
                error.phase = "allocate"
                raise

    def _renew(self, address: Address) -> None:
        self._earlier_retransmissions = self.retransmissions
        self._transactions = Transactions(self._send, reliable=False, timers=self.timers)
        self._lost, self.server = None, address
        self._signature = LongTermAuth()

    async def _allocate(self, address: Address) -> None:
        started = self._clock()
        attributes = {"REQUESTED-TRANSPORT": messages.UDP_TRANSPORT}
        answer = await self._ask(Method.ALLOCATE, attributes)
        self.unauthenticated = self._clock() - started
        if answer.message_class == Class.ERROR:
            self._learn(answer)
            answer = await self._allocate_with_patience(attributes)
        self.allocate_seconds = self._clock() - started
        relayed = answer.attributes.get("XOR-RELAYED-ADDRESS")
        if relayed is None:
            raise CheckFailed(Cause.PROTOCOL_ERROR, "the server allocates without an address")
        self.relayed = relayed
        check_relayed_address(relayed[0], address.ip)

    async def _allocate_with_patience(self, attributes: Mapping[str, Any]) -> Message:
        """The authenticated Allocate, repeated where a quota may have been our own doing.

        Checks run at the same time and share a user's quota, which is free again about a
        second after a deletion (RTC.md).
        """
        pauses = _QUOTA_PAUSES if self._patient else ()
        for pause in (*pauses, None):
            # A task of its own: being cancelled must not lose what the server answers.
            self._allocating = asyncio.create_task(self._request(Method.ALLOCATE, attributes))
            try:
                return await asyncio.shield(self._allocating)
            except CheckFailed as error:
                if error.cause is not Cause.ALLOCATION_QUOTA or pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _learn(self, challenge: Message) -> None:
        """Take realm and nonce from the 401 (RFC 8489 section 9.2.3)."""
        if challenge.error_code != 401:
            raise self._refusal(challenge, Method.ALLOCATE)
        self._signature.accept_challenge(challenge, self._credentials)

    async def _request(
        self, method: Method, attributes: Mapping[str, Any], peer: PeerAddress | None = None
    ) -> Message:
        """A request that must succeed; a stale nonce is renewed once (RFC 8489 9.2.4)."""
        answer = await self._ask(method, attributes)
        if self._signature.update_nonce(answer):
            answer = await self._ask(method, attributes)
        if answer.message_class == Class.ERROR:
            raise self._refusal(answer, method, peer)
        return answer

    async def _ask(self, method: Method, attributes: Mapping[str, Any]) -> Message:
        key = self._signature.key
        request = messages.make_request(method, attributes, self._signature.attributes, key)
        return await self._transactions.run(request, key)

    def _refusal(
        self, answer: Message, method: Method, peer: PeerAddress | None = None
    ) -> CheckFailed:
        username = self._credentials.username if self._credentials else ""
        return error_from_code(
            answer.error_code,
            method,
            username=username,
            now=self._now(),
            peer=peer[0] if peer else "",
        )

    def _send(self, frame: bytes) -> None:
        if self._wire is not None:
            self.bytes_sent += len(frame)
            self._wire.send(frame)

    def has_channel(self, number: int) -> bool:
        """Whether a channel with this number was asked for."""
        return number in self._channels.values()

    def message_received(self, frame: bytes) -> None:
        """Take what the wire brings; a stranger's bytes never raise here."""
        self.bytes_received += len(frame)
        if messages.is_channel_data(frame):
            self._channel_data_received(frame)
            return
        message = messages.read_message(frame)
        if message is None:
            self._transactions.unparsable_received()
        elif message.message_class == Class.INDICATION:
            self._indication_received(message)
        else:
            self._transactions.received(message)

    def connection_lost(self, error: CheckAborted) -> None:
        """End everything that waits; the first reason stands."""
        self._lost = self._lost or error
        self._transactions.fail(self._lost)
        if self.on_lost is not None:
            self.on_lost(self._lost)

    def _channel_data_received(self, frame: bytes) -> None:
        parts = messages.read_channel_data(frame)
        numbers = {number: peer for peer, number in self._channels.items()}
        if parts is None or parts[0] not in numbers:
            self._transactions.unparsable_received()
        elif self.on_data is not None:
            self.on_data(parts[1], numbers[parts[0]])

    def _indication_received(self, message: Message) -> None:
        peer, data = (message.attributes.get(name) for name in ("XOR-PEER-ADDRESS", "DATA"))
        if message.message_method != Method.DATA or peer is None or data is None:
            return
        if self.on_data is not None:
            self.on_data(data, peer)
