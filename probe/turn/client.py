"""A TURN client (RFC 8656) whose phases can be timed apart and whose errors keep their code.

aioice's own client allocates in one go, lets its errors vanish in gathering and waits
63.5 s for a dead server; this one waits for as long as its caller.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.protocol.tls_chain import chain_of
from probe.net.resolver import Address
from probe.net.tls.contexts import ClientContext, client_context
from probe.stun import message as messages
from probe.stun.browser_uri import blocked_port
from probe.stun.codec import MessageClass, Method, StunMessage
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transaction import LIBWEBRTC
from probe.stun.transport import Phases
from probe.stun.transport.refusals import Refusals, noting_refusals
from probe.stun.uri import TurnUri
from probe.turn.alternate import Redirects
from probe.turn.authenticated import AuthenticatedConnection
from probe.turn.dialing import Dialed, dial
from probe.turn.errors import check_relayed_address

_UDP, _IPV6 = messages.UDP_TRANSPORT, 2
CLOSE_SECONDS = 1.0
"""How long deleting an allocation may take before the socket is closed all the same."""

# Odd ones, so that two clients that were refused together don't come back together.
_QUOTA_PAUSES = (0.7, 1.1)
# The server remembers another user of our port: RFC 8656 section 7.4 asks for a fresh one.
# libwebrtc asks for two.
_FRESH_PORTS = 2
# Without these a browser discards the answer.
_NEEDED_OF_ALLOCATE = ("XOR-RELAYED-ADDRESS", "XOR-MAPPED-ADDRESS", "LIFETIME")

DataCallback = Callable[[bytes, PeerAddress], None]


class TurnClient(AuthenticatedConnection):
    """One allocation on one server, by the transport that ``url`` names.

    ``open`` connects and allocates; ``close`` deletes and closes, in any state, and has to be
    called whatever happens. ``on_data`` is called with data and the peer's address, ``on_lost``
    with the reason when the transport is lost. ``retry_quota`` repeats Allocate after 486
    (Allocation Quota Reached), which other checks may cause; ``ipv6`` asks for a relayed
    address of IPv6 (RFC 6156). Times are in seconds of ``clock``, None before they are
    measured. ``now`` is the wall clock in seconds since 1970. ``families`` has the error of
    each address family that was tried, empty for one that answered; ``is_open`` whether the
    server allocates for everyone; ``fetched_issuers`` what its chain lacks.
    """

    def __init__(
        self,
        url: TurnUri,
        credentials: TurnCredentials | None,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        retry_quota: bool = True,
        ipv6: bool = False,
    ) -> None:
        super().__init__(credentials, clock=clock, now=now)
        self.url = url
        self.unauthenticated: float | None = None
        self.allocate_seconds: float | None = None
        self.lifetime: float | None = None
        self.relayed: PeerAddress | None = None
        self.software = b""
        self.server: Address | None = None
        self.redirected_from: Address | None = None
        self.is_open = False
        self.certificate_expiry: float | None = None
        self.fetched_issuers: tuple[str, ...] = ()
        self.families: dict[str, str] = {}
        self.on_data: DataCallback | None = None
        self.on_lost: Callable[[CheckAborted], None] | None = None
        self._retry_quota = retry_quota
        # RFC 8656 section 18.10: an address of another family than IPv4 has to be asked for.
        family = {"REQUESTED-ADDRESS-FAMILY": _IPV6} if ipv6 else {}
        self._wanted: Mapping[str, Any] = {"REQUESTED-TRANSPORT": _UDP, **family}
        self._allocating: asyncio.Task[StunMessage] | None = None
        self._channels: dict[PeerAddress, int] = {}
        self.unbound_channels: set[PeerAddress] = set()
        self._allocate_began = 0.0
        self._refusals = Refusals()

    @property
    def refusal(self) -> CheckAborted | None:
        """Why nothing comes from a server that refuses now, and has not answered since."""
        return self._refusals.error

    @property
    def round_trip(self) -> float:
        """What one transaction took while allocating, in seconds; 0 before there was one."""
        first, whole = self.unauthenticated or 0.0, self.allocate_seconds or 0.0
        return min(first, whole - first) or first

    async def open(
        self, addresses: Sequence[Address], phases: Phases, tls: ClientContext | None = None
    ) -> None:
        """Connect to the address that answers first, as browsers do, and allocate.

        ``tls`` is for ``turns:``; None takes the system's authorities. Times the phases
        ``connect``, ``tls`` and ``allocate`` (the whole, from the first Allocate until the
        relayed address). Raises CheckFailed with the phase.
        """
        if tls is None and self.url.kind == "tls":
            tls = client_context()
        with noting_refusals() as self._refusals:
            for fresh in range(_FRESH_PORTS + 1):
                try:
                    return await self._open(addresses, phases, tls)
                except CheckFailed as error:
                    if error.cause is not Cause.ALLOCATION_LOST or fresh == _FRESH_PORTS:
                        raise
                    self.abort()
        raise AssertionError("the last attempt returns or raises")

    async def create_permission(self, peer: PeerAddress) -> None:
        """CreatePermission (RFC 8656 section 10). Raises CheckFailed(peer_forbidden)."""
        await self._request(Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": peer}, peer)

    async def channel_bind(self, peer: PeerAddress) -> None:
        """Bind a channel (RFC 8656 section 12), which ``send`` takes; where each nonce is stale
        it goes on with Send indications, as browsers do."""
        number = self._channels.get(peer, messages.FIRST_CHANNEL + len(self._channels))
        attributes = {"CHANNEL-NUMBER": number, "XOR-PEER-ADDRESS": peer}
        # Known before it is asked for: data may come right behind the answer.
        self._channels[peer] = number
        try:
            await self._request_twice(Method.CHANNEL_BIND, attributes, peer)
        except CheckFailed as error:
            if error.cause is not Cause.STALE_NONCE:
                raise
            self.unbound_channels.add(peer)

    def send(self, peer: PeerAddress, data: bytes) -> None:
        """Send data by the peer's channel. Raises CheckFailed once the transport is lost."""
        if peer in self.unbound_channels:
            return self.send_indication(peer, data)
        return self._transport().send(messages.channel_data(self._channels[peer], data))

    def send_indication(self, peer: PeerAddress, data: bytes) -> None:
        """Send data in a Send indication (RFC 8656 section 11), which needs no channel.

        Without a permission the server drops it. Raises CheckFailed once the transport is lost.
        """
        self._transport().send(messages.send_indication(peer, data))

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
        if self._connection is not None:
            self._connection.abort()

    async def _delete(self) -> None:
        if self._allocating is not None and not self._allocating.cancelled():
            # Cut off in the middle, the server may be about to allocate: that has to be
            # awaited, or the allocation stays for ten minutes.
            await asyncio.shield(self._allocating)
        elif self.relayed is None:
            return
        await self._request(Method.REFRESH, {"LIFETIME": 0})

    async def _open(
        self, addresses: Sequence[Address], phases: Phases, tls: ClientContext | None
    ) -> None:
        redirects, auth = Redirects(), None
        while True:
            dialed = await dial(
                self.url, addresses, phases, tls, LIBWEBRTC, self._clock, self.families
            )
            self.use(dialed)
            self._auth = auth or self._auth
            with phases("allocate"):
                try:
                    answer = await self._allocate(dialed)
                    if answer.error_code != 300:
                        return self._read_allocation(answer, dialed)
                    addresses = [redirects.follow(answer, dialed.connection.address)]
                    auth = self._auth.redirected(answer, self._credentials)
                except CheckFailed as error:
                    error.phase = "allocate"
                    raise
            self.redirected_from = self.redirected_from or dialed.connection.address
            dialed.connection.abort()

    def use(self, dialed: Dialed) -> None:
        """Go on over this connection."""
        connection = dialed.connection
        self._switch_to(connection)
        self._allocating = None
        self.server = connection.address
        if connection.tls_object is not None:
            chain = chain_of(connection.tls_object, verified=True)
            self.certificate_expiry = chain.earliest_expiry if chain.certificates else None
            self.fetched_issuers = connection.fetched
        connection.channels = lambda number: number in self._channels.values()
        connection.on_channel_data = self._channel_data_received
        connection.on_indication = self._indication_received
        connection.on_lost = self._lost

    async def _allocate(self, dialed: Dialed) -> StunMessage:
        """The answer to the authenticated Allocate: a success, or 300 Try Alternate."""
        answer, self._allocate_began = dialed.challenge, self._clock() - dialed.unauthenticated
        self.unauthenticated = dialed.unauthenticated or self.unauthenticated
        if self._auth.key is not None:  # a browser that was redirected signs its first one
            return await self._allocate_with_retries(self._wanted)
        if answer is None:
            answer = await self._transact(Method.ALLOCATE, {"REQUESTED-TRANSPORT": _UDP})
            self.unauthenticated = self._clock() - self._allocate_began
        if answer.message_class == MessageClass.RESPONSE:
            self.is_open = True
            return answer
        if answer.error_code == 300:
            return answer
        if answer.error_code != 401:
            raise self._error(answer, Method.ALLOCATE)
        self._auth.accept_challenge(answer, self._credentials)
        return await self._allocate_with_retries(self._wanted)

    def _read_allocation(self, answer: StunMessage, dialed: Dialed) -> None:
        """What the success answer holds. Raises CheckFailed where it lacks what browsers need."""
        lacking = [name for name in _NEEDED_OF_ALLOCATE if name not in answer.attributes]
        if lacking:
            message = f"the answer to allocate lacks {' and '.join(lacking)}: browsers discard it"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        self.relayed = answer.attributes["XOR-RELAYED-ADDRESS"]
        self.lifetime = float(answer.attributes["LIFETIME"])
        if not self.lifetime:
            message = "the answer to allocate says LIFETIME 0: browsers give the allocation up"
            raise CheckFailed(Cause.PROTOCOL_ERROR, message)
        self.software = answer.attributes.get("SOFTWARE", b"")
        self.allocate_seconds = self._clock() - self._allocate_began - self.since_arrival()
        if blocked_port(self.url):
            message = f"the server answers at port {self.url.port}, which browsers block"
            raise CheckFailed(Cause.PORT_BLOCKED, message)
        check_relayed_address(answer.attributes["XOR-RELAYED-ADDRESS"][0], _ip_of(dialed))

    async def _allocate_with_retries(self, attributes: Mapping[str, Any]) -> StunMessage:
        """Allocate; where a quota is full, once more after each pause.

        Checks run at the same time and share a user's quota, which is free again about a
        second after a deletion.
        """
        pauses = _QUOTA_PAUSES if self._retry_quota else ()
        for pause in (*pauses, None):
            # A task of its own: being cancelled must not lose what the server answers.
            request = self._request(Method.ALLOCATE, attributes, accepted=300)
            self._allocating = asyncio.create_task(request)
            try:
                return await asyncio.shield(self._allocating)
            except CheckFailed as error:
                if error.cause is not Cause.ALLOCATION_QUOTA or pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _lost(self, error: CheckAborted) -> None:
        if self.on_lost is not None:
            self.on_lost(error)

    def _channel_data_received(self, frame: bytes) -> bool:
        parts = messages.read_channel_data(frame)
        numbers = {number: peer for peer, number in self._channels.items()}
        if parts is None or parts[0] not in numbers:
            return False
        if self.on_data is not None:
            self.on_data(parts[1], numbers[parts[0]])
        return True

    def _indication_received(self, message: StunMessage) -> bool:
        peer, data = (message.attributes.get(name) for name in ("XOR-PEER-ADDRESS", "DATA"))
        if message.method != Method.DATA or peer is None or data is None:
            return False
        if self.on_data is not None:
            self.on_data(data, peer)
        return True


def _ip_of(dialed: Dialed) -> str:
    return dialed.connection.address.ip
