"""ICE (RFC 8445) through one relay of ours to a peer that is elsewhere, by any way to it.

That shows what a hairpin can't: the relay is reached from outside. The other side may offer
several addresses, and check us from one that it did not know of itself (behind a symmetric
NAT); all that prove to be its own are answered. The first that answers our check is taken,
since every check nominates; its own relay comes last, and later than the timer of a check that
was lost, because who can be reached without a second relay is.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from typing import cast

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.ice import connectivity_check
from probe.ice.aioice_import import Candidate, candidate_priority
from probe.ice.candidate import IceParameters, OfferCandidate, places_of
from probe.ice.relay_transport import RTO_ROUND_TRIPS, RelayIceBase, RelayServer
from probe.ice.transport import RTO, IceTransport
from probe.net.address.ranges import IPAddress
from probe.stun.browser_timing import CHECK_PACE, check_pauses
from probe.stun.codec import MessageClass, StunMessage
from probe.stun.message import PeerAddress

RELAY_CANDIDATE_DELAY = 1.5 * RTO
"""Seconds until the other side's own relay is tried."""


class RelayAgent(RelayIceBase):
    """The controlling side. ``clock`` is monotonic, ``now`` the wall clock since 1970."""

    def __init__(
        self, relay: RelayServer, *, clock: Callable[[], float], now: Callable[[], float]
    ) -> None:
        super().__init__(relay, clock=clock, now=now)
        self.partner: PeerAddress | None = None
        self._remote: connectivity_check.IceCredentials | None = None
        self._places: dict[PeerAddress, str] = {}
        self._known: set[PeerAddress] = set()
        self._permitted: set[str] = set()
        self._checks: dict[bytes, tuple[PeerAddress, float]] = {}

    @property
    def role(self) -> str:
        """``controlling``."""
        return "controlling"

    @property
    def way(self) -> str:
        """How the other side is reached: ``host``, ``srflx``, ``relay``, or ``prflx`` where it
        did not know of that address itself."""
        return self._places.get(self.partner, "prflx") if self.partner else ""

    @property
    def side(self) -> IceParameters:
        """What the other side has to learn."""
        host, port = cast(PeerAddress, self.client.relayed)
        priority = candidate_priority(1, "relay")
        found = Candidate("relay", 1, "udp", priority, host, port, "relay")
        return IceParameters(self.login, places_of([found]))

    async def set_remote(self, other: IceTransport) -> None:
        """Learn of a side in this process."""
        await self.set_remote_parameters(cast(RelayAgent, other).side)

    async def set_remote_parameters(self, side: IceParameters) -> None:
        """Take what signaling has brought; CreatePermission has left when this returns."""
        self._remote = side.login
        relayed = ipaddress.ip_address(cast(PeerAddress, self.client.relayed)[0])
        self._places = {
            (place.address, place.port): place.type
            for place in sorted(side.places, key=_reluctance)
            if _is_within_reach(relayed, ipaddress.ip_address(place.address))
        }
        for peer in {host: (host, port) for host, port in self._places}.values():
            self._start(self._permit(peer))
        # One turn of the loop: the tasks send before we go on.
        await asyncio.sleep(0)

    async def connect(self) -> None:
        """Checks until one is answered. Raises CheckFailed when the relay is at fault."""
        if not self._places:
            message = "the other side has no address that the relay could reach"
            raise CheckFailed(Cause.ICE_FAILED, message)
        self._start(self._check_until_connected())
        await self._connected.wait()
        if self.failure is not None:
            raise self.failure
        if self.partner is not None:
            self._bind(self.partner)

    def _far(self) -> PeerAddress:
        if self.partner is None:
            raise ConnectionError("there is no path to the other side yet")
        return self.partner

    async def _permit(self, peer: PeerAddress) -> None:
        """Addresses that the server refuses (private ones, as a rule) are left out."""
        self._permitted.add(peer[0])
        try:
            await self.client.create_permission(peer)
        except CheckFailed as error:
            self._permitted.discard(peer[0])
            if error.cause is not Cause.PEER_FORBIDDEN or not self._permitted:
                self._fail(error)
        except CheckAborted as error:
            self._fail(error)

    async def _check_until_connected(self) -> None:
        """In rounds, each address once; a round lasts as long as browsers wait for one pair."""
        started = self._clock()
        lost = started + max(RTO, RTO_ROUND_TRIPS * self.client.round_trip)
        for pause in check_pauses(self.client.round_trip):
            ended = self._clock() + pause
            for peer in self._due(self._clock() - started):
                self._check(peer)
                await asyncio.sleep(CHECK_PACE)
                if self.rtt is not None or self.failure is not None:
                    return
                self.retransmitted_checks += self._clock() >= lost
            await asyncio.sleep(max(0.0, ended - self._clock()))

    def _due(self, elapsed: float) -> list[PeerAddress]:
        """The addresses to check after so many seconds."""
        others = [peer for peer, kind in self._places.items() if kind != "relay"]
        is_late = not others or elapsed >= RELAY_CANDIDATE_DELAY
        return [*self._places] if is_late else others

    def _check(self, peer: PeerAddress) -> None:
        if self.rtt is not None or self._remote is None or peer[0] not in self._permitted:
            return
        request = connectivity_check.request(
            self.login, self._remote, self._tie_breaker, controlling=True
        )
        self._checks[request.transaction_id] = (peer, self._clock())
        self._pass(request.encode(self._remote.key), peer)

    def _received(self, data: bytes, peer: PeerAddress) -> None:
        if not connectivity_check.is_stun(data):
            if peer in self._known:
                self._arrived(data)
            return
        message = connectivity_check.read(data)
        if message is None or self._remote is None:
            return
        if message.message_class == MessageClass.REQUEST:
            self._handle_request(message, peer, self._remote)
        elif message.message_class == MessageClass.RESPONSE:
            self._answered(message, peer, self._remote)

    def _handle_request(
        self, request: StunMessage, peer: PeerAddress, remote: connectivity_check.IceCredentials
    ) -> None:
        """RFC 8445 section 7.3: answer, and check in the other direction at once."""
        if not connectivity_check.is_check_from(request, self.login, remote):
            return
        self._pass(connectivity_check.response(request, self.login, peer), peer)
        if peer not in self._known:
            self._known.add(peer)
            self._places.setdefault(peer, "prflx")
            self._check(peer)

    def _answered(
        self, response: StunMessage, peer: PeerAddress, remote: connectivity_check.IceCredentials
    ) -> None:
        check = self._checks.pop(response.transaction_id, None)
        if (
            check is None
            or check[0] != peer
            or not connectivity_check.has_valid_integrity(response, remote)
        ):
            return
        self._known.add(peer)
        if self.rtt is None:
            self.rtt, self.partner = self._clock() - check[1], peer
            self._connected.set()


def _is_within_reach(relayed: IPAddress, other: IPAddress) -> bool:
    """A relay that is public reaches no private address; servers refuse it, or worse."""
    return relayed.version == other.version and (other.is_global or not relayed.is_global)


def _reluctance(place: OfferCandidate) -> tuple[bool, int]:
    return place.type == "relay", -place.priority
