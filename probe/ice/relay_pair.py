"""ICE (RFC 8445) over one relayed candidate on each side, in the order that browsers keep.

CreatePermission leaves with the other side's candidate, the first check right behind it in
a Send indication, without waiting for the answer. Where both sides learn of each other in
the same moment, both permissions are at the server before either check. A channel is bound
when a pair is nominated, and until it is bound data goes in Send indications as well.

A check that stays without an answer is followed by others, each a transaction of its own, at the
pace of Ta, as browsers do; on a path that is longer, or that stays without an answer, a little
less often. Consent (RFC 7675) is not refreshed: it lasts
for 30 s, and both ends are in the same process.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from msgspec import Struct

from probe.core.model import CheckAborted
from probe.ice import connectivity_check
from probe.ice.relay_transport import RTO_ROUND_TRIPS, RelayIceBase, RelayServer
from probe.ice.transport import RTO, IceTransport
from probe.stun.browser_timing import check_pauses
from probe.stun.codec import MessageClass, StunMessage
from probe.stun.message import PeerAddress
from probe.turn.client import TurnClient
from probe.turn.judging import is_significant_loss

_HANDSHAKE = 22
MAX_COMPARED = 1000
"""Datagrams of a call that are compared with what was sent."""


class RemoteParameters(Struct, frozen=True):
    """The other side, from signaling: its ICE credentials and relayed address."""

    login: connectivity_check.IceCredentials
    address: PeerAddress


class RelayPairIce(RelayIceBase):
    """One side. ``clock`` is monotonic, ``now`` the wall clock in seconds since 1970.

    ``on_answer`` is called with the moments in which a check left and was answered. ``altered``
    has the sizes, sent and received, of data that arrived with other bytes than were sent;
    ``is_altering`` whether that is more than a call takes for lost packets.
    """

    def __init__(
        self,
        relay: RelayServer,
        *,
        controlling: bool,
        clock: Callable[[], float],
        now: Callable[[], float],
        client: type[TurnClient] = TurnClient,
    ) -> None:
        super().__init__(relay, clock=clock, now=now, client=client)
        self._controlling = controlling
        self.on_answer: Callable[[float, float], None] | None = None
        self.checks_sent = self.checks_answered = 0
        self._remote: RemoteParameters | None = None
        self._checks: dict[bytes, float] = {}
        self._nominated = controlling
        self._checking = self._triggered = False
        self._other_side: RelayPairIce | None = None
        self._sent: set[bytes] = set()
        self.altered: list[tuple[int, int]] = []
        self._compared, self._altered_in_clear = 0, False

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return "controlling" if self._controlling else "controlled"

    @property
    def address(self) -> PeerAddress:
        """The relayed address, once it has been gathered."""
        return cast(PeerAddress, self.client.relayed)

    @property
    def is_altering(self) -> bool:
        """Whether a call that works does so by luck: who encrypts drops what is altered, but the
        content of a handshake that is still in the clear ends it."""
        compared = max(self._compared, 1)
        return self._altered_in_clear or is_significant_loss(len(self.altered), compared)

    async def set_remote(self, other: IceTransport) -> None:
        """Learn of the other side; CreatePermission has left when this returns."""
        side = self._other_side = cast(RelayPairIce, other)
        await self.set_remote_parameters(RemoteParameters(side.login, side.address))

    async def set_remote_parameters(self, partner: RemoteParameters) -> None:
        """As ``set_remote``, of a side in another process."""
        self._remote = partner
        self._confirmations.add(self._start(self._permit(partner.address)))
        # One turn of the loop: the task sends before we go on.
        await asyncio.sleep(0)

    async def connect(self) -> None:
        """Checks until a pair is nominated. Raises CheckFailed when the relay is at fault."""
        self._start(self._check_until_connected())
        await self._connected.wait()
        if self.failure is not None:
            raise self.failure
        self._bind(self._partner.address)

    def _far(self) -> PeerAddress:
        return self._partner.address

    @property
    def _partner(self) -> RemoteParameters:
        if self._remote is None:
            raise RuntimeError("the other side is not known yet")
        return self._remote

    async def _permit(self, peer: PeerAddress) -> None:
        try:
            await self.client.create_permission(peer)
        except CheckAborted as error:
            self._fail(error)

    async def _check_until_connected(self) -> None:
        self._checking = True
        late = self._clock() + max(RTO, RTO_ROUND_TRIPS * self.client.round_trip)
        for pause in check_pauses(self.client.round_trip):
            self._check()
            await asyncio.sleep(pause)
            if self.rtt is not None:
                return  # only the nomination is awaited, which the other side repeats
            self.retransmitted_checks += self._clock() >= late

    def _check(self) -> None:
        """Send a check, unless one was answered already."""
        if self.rtt is None and self.failure is None:
            self.send_check()

    def send_check(self) -> None:
        """Send a check of its own transaction. On an established call its answer is the other
        side's consent (RFC 7675 section 5.1); ``on_answer`` is called."""
        request = connectivity_check.request(
            self.login, self._partner.login, self._tie_breaker, controlling=self._controlling
        )
        self._checks[request.transaction_id] = self._clock()
        self.checks_sent += 1
        self._pass(request.encode(self._partner.login.key), self._partner.address)

    def _received(self, data: bytes, peer: PeerAddress) -> None:
        if self._remote is None or peer != self._remote.address or not data:
            return
        if not connectivity_check.is_stun(data):
            self._compare(data)
            self._arrived(data)
            return
        message = connectivity_check.read(data)
        if message is None:
            return
        if message.message_class == MessageClass.REQUEST:
            self._handle_request(message, peer)
        elif message.message_class == MessageClass.RESPONSE:
            self._answered(message)

    async def _send(self, data: bytes) -> None:
        if self._other_side is not None and len(self._sent) < MAX_COMPARED:
            self._sent.add(data)
        await super()._send(data)

    def _compare(self, data: bytes) -> None:
        """Where the other side is at hand, what arrives has to be what it sent."""
        sent = self._other_side._sent if self._other_side is not None else None
        if not sent or len(sent) >= MAX_COMPARED or not _is_for_someone(data):
            return
        self._compared += 1
        if data in sent:
            return
        nearest = min(sent, key=lambda each: (each[:8] != data[:8], abs(len(each) - len(data))))
        self.altered.append((len(nearest), len(data)))
        self._altered_in_clear |= len(nearest) == len(data) and _is_in_clear(nearest)

    def _handle_request(self, request: StunMessage, peer: PeerAddress) -> None:
        """RFC 8445 section 7.3: answer, and check in the other direction at once."""
        if not connectivity_check.is_check_from(request, self.login, self._partner.login):
            return
        self._pass(connectivity_check.response(request, self.login, peer), peer)
        if "USE-CANDIDATE" in request.attributes:
            self._nominated = True
            self._settle()
        if self._checking and not self._triggered:
            self._triggered = True
            self._check()

    def _answered(self, response: StunMessage) -> None:
        sent = self._checks.pop(response.transaction_id, None)
        if sent is None or not connectivity_check.has_valid_integrity(
            response, self._partner.login
        ):
            return
        self.checks_answered += 1
        if self.on_answer is not None:
            self.on_answer(sent, self._clock())
        if self.rtt is None:
            self.rtt = self._clock() - sent
            self._settle()

    def _settle(self) -> None:
        if self._nominated and self.rtt is not None:
            self._connected.set()


def _is_in_clear(data: bytes) -> bool:
    """Whether it is a handshake record of epoch 0 (RFC 6347 section 4.1)."""
    return data[0] == _HANDSHAKE and data[3:5] == bytes(2)


def _is_for_someone(data: bytes) -> bool:
    """Whether it is DTLS or RTP by its first byte (RFC 7983 section 7); browsers drop the rest."""
    return 20 <= data[0] <= 63 or 128 <= data[0] <= 191
