"""A call between two peers of this process, phase by phase.

All times count from the start of gathering, in seconds. Both sides gather at once and
start their checks in the same tick, as two browsers do that trickle their candidates.
"""

from dataclasses import dataclass, field

from probe.call.aiortc_import import RTCCertificate
from probe.call.dtls_retransmission import needed_retransmissions
from probe.call.echo import ECHO_GRACE, ECHO_PAUSE, ChannelEcho, judge_loss
from probe.call.endpoint import CallEndpoint
from probe.call.setup import CLOSE_TIMEOUT, CallSetup, EndpointTimes
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.core.recorder import Recorder
from probe.ice.relay_pair import RelayPairIce
from probe.ice.relay_transport import RelayServer
from probe.ice.transport import HostIce, IceTransport
from probe.net.tasks import finish_all, gather_first_error, phase_timeout
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.transport import Phases, untimed
from probe.stun.transport.refusals import naming_refusal
from probe.turn.authenticated import CALL_ENDS
from probe.turn.echo_packet import ECHO_SIZES
from probe.turn.judging import altered, could_be_size, large_messages_lost
from probe.turn.statistics import EchoLog

ECHOES_AFTER_LOSS = 100
LARGE_MESSAGE = 1132
"""Bytes of a message whose datagram has 1,197, as large as a browser's DTLS ClientHello."""
MIN_GRACE = 0.3
_LARGE_TRIES, _LARGE_TRIES_WHERE_LOSSY = 3, 10
_FIRST_LARGE = 1 << 31


@dataclass
class CallTimes:
    """What a call has measured so far: both sides' phases, round trips, echoes lost."""

    offering: EndpointTimes = field(default_factory=EndpointTimes)
    answering: EndpointTimes = field(default_factory=EndpointTimes)
    log: EchoLog = field(default_factory=EchoLog)

    @property
    def rtts(self) -> list[float]:
        """Round trips of the echoes that came back, in seconds, in the order of arrival."""
        return list(self.log.rtts.values())

    @property
    def sent(self) -> int:
        """How many messages were sent to be echoed."""
        return len(self.log.sent)

    @property
    def lost(self) -> int:
        """How many of them have not come back."""
        return self.log.lost

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
        self._echoes = ChannelEcho(context.clock)
        self.times.log = self._echoes.log
        self._started = 0.0

    async def __aenter__(self) -> "Call":
        return self

    async def __aexit__(self, *_: object) -> None:
        closing = finish_all(self.offerer.close(), self.answerer.close())
        await self._context.closing.close(closing, timeout=CLOSE_TIMEOUT)

    async def gather(self) -> None:
        """Gather on both sides at once. Raises CheckFailed where the relay gives no address."""
        with self._record.phase("gathering"):
            self._started = self._context.clock()
            await gather_first_error(
                *(self._setup(peer).gather(peer) for peer in (self.offerer, self.answerer))
            )

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
            "dtls": needed_retransmissions(*(peer.transport for peer in peers)),
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
                self._connect(self.offerer, self.answerer, self._record.phase),
                self._connect(self.answerer, self.offerer, untimed),
            )
        except CheckFailed as error:
            for ice in self._relayed_ices():
                if ice.altered:
                    raise altered(*ice.altered[0], phase=error.phase or "echo") from None
            raise

    async def echo(self, count: int) -> None:
        """Send ``count`` messages from the offerer, each echoed, and one as large as browsers
        have to send; times each round trip of the others. Where some are lost, more are sent.

        Raises CheckFailed for a path on which a browser's call would not be of use.
        """
        with self._record.phase("echo"):
            with naming_refusal(self._refusal):
                await self.offerer.unless_lost(self._echo(count))
                message = f"the server doesn't answer CreatePermission or ChannelBind: {CALL_ENDS}"
                limit = self._bounds.confirming(self._elapsed())
                async with phase_timeout(limit, "echo", Cause.DEADLINE, message):
                    ices = (self.offerer.ice, self.answerer.ice)
                    await gather_first_error(*(ice.settle(limit) for ice in ices))
            self._raise_if_failed()

    async def _echo(self, count: int) -> None:
        await self._send_echoes(0, count)
        if not self.times.log.is_complete and count < ECHOES_AFTER_LOSS:
            more = int(self._bounds.more_echoes / ECHO_PAUSE)
            await self._send_echoes(count, min(count + more, ECHOES_AFTER_LOSS))
        self.times.log.close()
        self._raise_if_failed()
        judge_loss(self.times.log)
        await self._large_echo()

    async def _send_echoes(self, first: int, end: int) -> None:
        await self._echoes.send(self.offerer, range(first, end), ECHO_SIZES)
        await self._echoes.wait_for_echoes(self._grace() if first == 0 else MIN_GRACE)

    async def _large_echo(self) -> None:
        """Raises CheckFailed where none of several large messages comes back."""
        times = self.times
        wait = max(MIN_GRACE, 4 * max(times.rtts))
        tries = int(self._bounds.more_echoes / wait) if times.lost else 0
        tries = max(_LARGE_TRIES, min(tries, _LARGE_TRIES_WHERE_LOSSY))
        for number in range(tries):
            self._echoes.log = EchoLog()
            self._echoes.send_one(self.offerer, _FIRST_LARGE + number, LARGE_MESSAGE)
            if await self._echoes.wait_for_echoes(wait):
                return
        self._raise_if_failed()
        if could_be_size(times.lost / times.sent, tries):
            raise large_messages_lost()

    def _raise_if_failed(self) -> None:
        """The relay's failure says more than the lost echoes."""
        for peer in (self.offerer, self.answerer):
            if peer.ice.failure is not None:
                raise peer.ice.failure
        for ice in self._relayed_ices():
            if ice.is_altering:
                raise altered(*ice.altered[0])

    def _refusal(self) -> CheckAborted | None:
        return self.offerer.ice.refusal or self.answerer.ice.refusal

    def _relayed_ices(self) -> list[RelayPairIce]:
        ices = (self.offerer.ice, self.answerer.ice)
        return [ice for ice in ices if isinstance(ice, RelayPairIce)]

    def _grace(self) -> float:
        """Opening the channel takes round trips as well, so it knows how long one may be."""
        return max(ECHO_GRACE, self.times.opened - self.times.offering.dtls)

    def _setup(self, peer: CallEndpoint, phases: Phases = untimed) -> CallSetup:
        times = self.times.offering if peer.offering else self.times.answering
        return CallSetup(
            self._bounds,
            phases,
            lambda reached: setattr(times, reached, self._elapsed()),
            elapsed=self._elapsed,
        )

    async def _connect(self, peer: CallEndpoint, other: CallEndpoint, phases: Phases) -> None:
        theirs = other.dtls.getLocalParameters()
        await self._setup(peer, phases).connect(peer, theirs, self._echoes.received)

    def _elapsed(self) -> float:
        return self._context.clock() - self._started


def _ice(relay: RelayServer | None, context: Context, *, controlling: bool) -> IceTransport:
    if relay is None:
        return HostIce(controlling=controlling, clock=context.clock)
    return RelayPairIce(relay, controlling=controlling, clock=context.clock, now=context.now)
