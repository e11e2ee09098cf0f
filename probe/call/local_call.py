"""A call between two peers of this process, phase by phase, as RTC.md defines them.

All times count from the start of gathering, in seconds. Both sides gather at once and
start their checks in the same tick, as two browsers do that trickle their candidates.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from probe.call.aiortc_import import RTCCertificate
from probe.call.endpoint import CallEndpoint
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.ice.relay_pair import RelayPairIce
from probe.ice.relay_transport import RelayServer
from probe.ice.transport import HostIce, IceTransport
from probe.net.gather import gather_first_error
from probe.net.tasks import phase_timeout

ECHO_BYTES = 160
ECHO_PAUSE = 0.02
ECHO_GRACE = 1.0
MOST_LOSS = 0.5
# Deleting the allocations may take a second (TurnClient), closing the rest a moment.
CLOSE_PATIENCE = 1.5

NO_ALLOCATION = "the server doesn't answer"
NO_PAIR = "no pair of candidates connects"
NO_HANDSHAKE = "the DTLS handshake does not end"
NO_CHANNEL = "the data channel does not open"

PhaseTimer = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class PhaseTimeouts:
    """How long each phase may take, in seconds; below the check's deadline together."""

    gathering: float = 5.0
    ice: float = 6.0
    dtls: float = 6.0
    # SCTP waits 3 s before it sends a lost packet of its handshake again, then 6 s.
    channel: float = 10.0

    @classmethod
    def within(cls, deadline: float) -> "PhaseTimeouts":
        """Bounds that leave room for a closer look, so that a failure has a better name than
        ``deadline``; beyond 30 s they don't grow."""
        share = min(1.0, deadline / 30)
        return cls(5.0 * share, 6.0 * share, 6.0 * share, 10.0 * share)


@dataclass
class EndpointTimes:
    """When one side reached each phase, in seconds from the start of gathering; 0: not yet."""

    gathering: float = 0.0
    ice: float = 0.0
    dtls: float = 0.0
    opened: float = 0.0


@dataclass
class CallTimes:
    """What a call has measured so far: both sides' phases, round trips, echoes lost."""

    offering: EndpointTimes = field(default_factory=EndpointTimes)
    answering: EndpointTimes = field(default_factory=EndpointTimes)
    rtts: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def opened(self) -> float:
        """When the data channel was open on both sides; 0 before."""
        sides = (self.offering.opened, self.answering.opened)
        return max(sides) if all(sides) else 0.0


class Call:
    """Two peers of one process. ``async with``, so that they are closed whatever happens."""

    def __init__(
        self,
        relay: RelayServer | None,
        record: Recorder,
        context: Context,
        *,
        bounds: PhaseTimeouts | None = None,
    ) -> None:
        self.times = CallTimes()
        self._record, self._context = record, context
        self._bounds = bounds or PhaseTimeouts()
        # Browsers have their certificates before they gather.
        self.offerer, self.answerer = (
            CallEndpoint(
                offering=offering,
                ice=_ice(relay, context, controlling=offering),
                certificate=RTCCertificate.generateCertificate(),
            )
            for offering in (True, False)
        )
        self._echoes: dict[int, float] = {}
        self._awaited = 0
        self._all_back = asyncio.Event()
        self._started = 0.0

    async def __aenter__(self) -> "Call":
        return self

    async def __aexit__(self, *_: object) -> None:
        closing = asyncio.gather(
            self.offerer.close(), self.answerer.close(), return_exceptions=True
        )

        async def close() -> None:
            await closing

        await self._context.closing.close(close(), timeout=CLOSE_PATIENCE)

    async def gather(self) -> None:
        """Gather on both sides at once. Raises CheckFailed where the relay gives no address."""
        bound = self._bounds.gathering
        with self._record.phase("gathering"):
            self._started = self._context.clock()
            async with phase_timeout(bound, "gathering", Cause.DEADLINE, NO_ALLOCATION):
                await gather_first_error(self._gather(self.offerer), self._gather(self.answerer))

    @property
    def has_candidates(self) -> bool:
        """Whether both sides have finished gathering and have an address to offer."""
        return all(peer.ice.has_candidates for peer in (self.offerer, self.answerer))

    @property
    def retransmitted(self) -> tuple[str, ...]:
        """The layers whose timers had to send something again: ``ice`` (with TURN), ``dtls``
        (with SCTP above it)."""
        peers = (self.offerer, self.answerer)
        counts = {
            "ice": sum(peer.ice.retransmissions for peer in peers),
            "dtls": sum(peer.transport.retransmissions for peer in peers),
        }
        return tuple(layer for layer, count in counts.items() if count)

    async def connect(self) -> None:
        """ICE, DTLS and the data channel. Raises CheckFailed with the phase that failed.

        Each side goes on as soon as it can, as a browser does; the phases that are written
        down are the offering side's.
        """
        await self.offerer.set_remote(self.answerer)
        await self.answerer.set_remote(self.offerer)
        await gather_first_error(
            self._advance(self.offerer, self.answerer, self._record.phase),
            self._advance(self.answerer, self.offerer, _unwatched),
        )

    async def echo(self, count: int) -> None:
        """Send ``count`` messages from the offerer, each echoed; times each round trip."""
        self._awaited = count
        with self._record.phase("echo"):
            for number in range(count):
                self._echoes[number] = self._context.clock()
                self.offerer.send(number.to_bytes(4, "big") + bytes(ECHO_BYTES - 4))
                await asyncio.sleep(ECHO_PAUSE)
            try:
                async with asyncio.timeout(self._grace()):
                    await self._all_back.wait()
            except TimeoutError:
                self.times.lost = len(self._echoes)
        self._raise_if_lost()
        if not self.times.rtts:
            message = f"none of {count} messages came back"
            raise CheckFailed(Cause.DATA_CHANNEL_FAILED, message, phase="echo")
        if self.times.lost > MOST_LOSS * count:
            message = f"{self.times.lost} of {count} messages were lost"
            raise CheckFailed(Cause.RELAY_LOSS, message, phase="echo")

    def _raise_if_lost(self) -> None:
        """What became of the relay says more than the echoes that it took with it."""
        if self.times.lost:
            for peer in (self.offerer, self.answerer):
                if peer.ice.failure is not None:
                    raise peer.ice.failure

    def _grace(self) -> float:
        """Opening the channel takes round trips as well, so it knows how long one may be."""
        return max(ECHO_GRACE, self.times.opened - self.times.offering.dtls)

    async def _gather(self, peer: CallEndpoint) -> None:
        await peer.gather()
        self._times_of(peer).gathering = self._elapsed()

    async def _advance(self, peer: CallEndpoint, other: CallEndpoint, phase: PhaseTimer) -> None:
        bounds, times = self._bounds, self._times_of(peer)
        with phase("ice"):
            async with phase_timeout(bounds.ice, "ice", Cause.ICE_FAILED, NO_PAIR):
                await peer.connect_ice()
        times.ice = self._elapsed()
        with phase("dtls"):
            async with phase_timeout(bounds.dtls, "dtls", Cause.DTLS_FAILED, NO_HANDSHAKE):
                await peer.connect_dtls(other)
        times.dtls = self._elapsed()
        with phase("data_channel"):
            cause = Cause.DATA_CHANNEL_FAILED
            async with phase_timeout(bounds.channel, "data_channel", cause, NO_CHANNEL):
                await peer.open_channel(self._received)
        times.opened = self._elapsed()

    def _times_of(self, peer: CallEndpoint) -> EndpointTimes:
        return self.times.offering if peer.offering else self.times.answering

    def _received(self, peer: CallEndpoint, data: bytes) -> None:
        if not peer.offering:
            peer.send(data)
            return
        sent = self._echoes.pop(int.from_bytes(data[:4], "big"), None)
        if sent is not None:
            self.times.rtts.append(self._context.clock() - sent)
        if len(self.times.rtts) == self._awaited:
            self._all_back.set()

    def _elapsed(self) -> float:
        return self._context.clock() - self._started


def _ice(relay: RelayServer | None, context: Context, *, controlling: bool) -> IceTransport:
    if relay is None:
        return HostIce(controlling=controlling, clock=context.clock)
    return RelayPairIce(relay, controlling=controlling, clock=context.clock, now=context.now)


@contextmanager
def _unwatched(_: str) -> Iterator[None]:
    yield
