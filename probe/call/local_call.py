"""A call between two peers of this process, phase by phase, as RTC.md defines them.

All times count from the start of gathering, in seconds. Both sides gather at once and
start their checks in the same tick, as two browsers do that trickle their candidates.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
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
from probe.net.tasks import gather_first_error, phase_timeout
from probe.turn.echo_packet import ECHO_SIZES
from probe.turn.judging import altered, could_be_size, large_messages_lost, surely_lost

ECHO_BYTES = 160
ECHO_PAUSE = 0.02
ECHO_GRACE = 1.0
MOST_LOSS = 0.5
ECHOES_AFTER_LOSS = 100
LARGE_MESSAGE = 1132
"""Bytes of a message whose datagram has 1,197, as large as a browser's DTLS ClientHello."""
SHORTEST_GRACE = 0.3
_LARGE_TRIES, _LARGE_TRIES_WHERE_LOSSY = 3, 10
_FIRST_LARGE = 1 << 31
# Deleting the allocations may take a second (TurnClient), closing the rest a moment.
CLOSE_TIMEOUT = 1.5

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
    # For echoes beyond the first ones, where some of those were lost.
    more_echoes: float = 4.0

    @classmethod
    def within(cls, deadline: float) -> "PhaseTimeouts":
        """Timeouts that leave room for a diagnosis, so that a failure has a better name than
        ``deadline``; beyond 30 s they don't grow."""
        share = min(1.0, deadline / 30)
        return cls(5.0 * share, 6.0 * share, 6.0 * share, 10.0 * share, 4.0 * share)


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
    sent: int = 0
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
        self._came = asyncio.Event()
        self._started = 0.0

    async def __aenter__(self) -> "Call":
        return self

    async def __aexit__(self, *_: object) -> None:
        closing = asyncio.gather(
            self.offerer.close(), self.answerer.close(), return_exceptions=True
        )

        async def close() -> None:
            await closing

        await self._context.closing.close(close(), timeout=CLOSE_TIMEOUT)

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
        try:
            await gather_first_error(
                self._advance(self.offerer, self.answerer, self._record.phase),
                self._advance(self.answerer, self.offerer, _unwatched),
            )
        except CheckFailed as error:
            self._raise_if_altered(error.phase)
            raise

    async def echo(self, count: int) -> None:
        """Send ``count`` messages from the offerer, each echoed, and one as large as browsers
        have to send; times each round trip of the others. Where some are lost, more are sent.

        Raises CheckFailed for a path on which a browser's call would not be of use.
        """
        with self._record.phase("echo"):
            work = self._echo(count)
            await self.offerer.unless_lost(work)
            await gather_first_error(self.offerer.ice.settle(), self.answerer.ice.settle())
            self._raise_if_failed()

    async def _echo(self, count: int) -> None:
        await self._send_echoes(0, count)
        if self._echoes and count < ECHOES_AFTER_LOSS:
            more = int(self._bounds.more_echoes / ECHO_PAUSE)
            await self._send_echoes(count, min(count + more, ECHOES_AFTER_LOSS))
        self.times.lost = len(self._echoes)
        self._raise_if_failed()
        self._judge_loss()
        await self._large_echo()

    async def _send_echoes(self, first: int, end: int) -> None:
        for number in range(first, end):
            self._echoes[number] = self._context.clock()
            self.times.sent += 1
            size = ECHO_SIZES[number % len(ECHO_SIZES)]
            self.offerer.send(number.to_bytes(4, "big") + bytes(size - 4))
            await asyncio.sleep(ECHO_PAUSE)
        await self._until_back(self._grace() if first == 0 else SHORTEST_GRACE)

    async def _until_back(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._echoes:
                    self._came.clear()
                    await self._came.wait()

    def _judge_loss(self) -> None:
        times = self.times
        if not times.rtts:
            message = f"none of {times.sent} messages came back"
            raise CheckFailed(Cause.DATA_CHANNEL_FAILED, message, phase="echo")
        if surely_lost(times.lost, times.sent):
            message = f"{times.lost} of {times.sent} messages were lost"
            raise CheckFailed(Cause.RELAY_LOSS, message, phase="echo")

    async def _large_echo(self) -> None:
        """Raises CheckFailed where none of several large messages comes back."""
        before, wait = len(self.times.rtts), max(SHORTEST_GRACE, 4 * max(self.times.rtts))
        tries = int(self._bounds.more_echoes / wait) if self.times.lost else 0
        tries = max(_LARGE_TRIES, min(tries, _LARGE_TRIES_WHERE_LOSSY))
        for number in range(tries):
            self._echoes = {_FIRST_LARGE + number: self._context.clock()}
            head = (_FIRST_LARGE + number).to_bytes(4, "big")
            self.offerer.send(head + bytes(LARGE_MESSAGE - len(head)))
            await self._until_back(wait)
            if not self._echoes:
                del self.times.rtts[before:]
                return
        self._raise_if_failed()
        if could_be_size(self.times.lost / self.times.sent, tries):
            raise large_messages_lost()

    def _raise_if_failed(self) -> None:
        """The relay's failure says more than the lost echoes."""
        for peer in (self.offerer, self.answerer):
            if peer.ice.failure is not None:
                raise peer.ice.failure
        self._raise_if_altered("echo")

    def _raise_if_altered(self, phase: str | None) -> None:
        for peer in (self.offerer, self.answerer):
            if isinstance(peer.ice, RelayPairIce) and peer.ice.altered:
                raise altered(*peer.ice.altered[0], phase=phase or "echo")

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
            self._came.set()

    def _elapsed(self) -> float:
        return self._context.clock() - self._started


def _ice(relay: RelayServer | None, context: Context, *, controlling: bool) -> IceTransport:
    if relay is None:
        return HostIce(controlling=controlling, clock=context.clock)
    return RelayPairIce(relay, controlling=controlling, clock=context.clock, now=context.now)


@contextmanager
def _unwatched(_: str) -> Iterator[None]:
    yield
