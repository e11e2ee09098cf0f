"""Audio over an established call: both ends send and receive, as two people who talk."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from probe.call.endpoint import CallEndpoint
from probe.call.rtp_stream import PACKET_SECONDS, RtpStream
from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.tasks import gather_first_error
from probe.turn.judging import altered, is_significant_loss
from probe.turn.statistics import mean_opinion_score

PHASE = "media"
_GRACE, _MAX_GRACE, _ROUND_TRIPS = 1.0, 2.0, 4
_BREAKS_RTP = (
    "Data passes but audio does not: look for a firewall or a limit behind the relay that drops "
    "RTP or many small packets, and upgrade the TURN server."
)


class CallAudio:
    """``streams`` are by the direction, which ends with the side that listens."""

    def __init__(
        self, offerer: CallEndpoint, answerer: CallEndpoint, clock: Callable[[], float]
    ) -> None:
        self._offerer, self._answerer, self._clock = offerer, answerer, clock
        sources = random.sample(range(1, 1 << 32), 2)
        self.streams = {
            "to_answering": RtpStream(sources[0]),
            "to_offering": RtpStream(sources[1]),
        }
        self._arrival = asyncio.Event()

    async def exchange_media(self, seconds: float, rtt: float) -> None:
        """Send 50 packets a second each way. ``rtt`` is the path's, in seconds.

        Raises the CheckFailed of a path that ends, and that of a relay that ruins audio.
        """
        forth, back = self.streams.values()
        self._answerer.transport.on_media = lambda data: self._receive(forth, data)
        self._offerer.transport.on_media = lambda data: self._receive(back, data)
        try:
            await gather_first_error(
                self._offerer.unless_lost(self._send(self._offerer, forth, seconds)),
                self._answerer.unless_lost(self._send(self._answerer, back, seconds)),
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_MAX_GRACE, max(_GRACE, _ROUND_TRIPS * rtt))):
                    await self._all_there()
        finally:
            self._offerer.transport.on_media = self._answerer.transport.on_media = None
        self._judge()

    @property
    def loss(self) -> tuple[float, int]:
        """The share lost in the worse direction, and how many were sent in it."""
        worse = max(self.streams.values(), key=lambda each: each.loss)
        return worse.loss, len(worse.sent)

    @property
    def jitter(self) -> float:
        """That of the worse direction, in seconds."""
        return max(each.jitter for each in self.streams.values())

    @property
    def concealed(self) -> float:
        """The share that is made up in the worse direction."""
        return max(each.concealed for each in self.streams.values())

    def mos(self, rtt: float) -> float:
        """The estimated mean opinion score of the worse direction."""
        # The score's own buffer is two jitters deep.
        return min(
            mean_opinion_score(rtt, each.playout_delay / 2, each.concealed)
            for each in self.streams.values()
        )

    async def _send(self, peer: CallEndpoint, stream: RtpStream, seconds: float) -> None:
        started = self._clock()
        for number in range(round(seconds / PACKET_SECONDS)):
            await asyncio.sleep(max(0.0, started + number * PACKET_SECONDS - self._clock()))
            data = stream.packet(number)
            stream.record_sent(number, self._clock())
            await peer.transport.send_media(data)

    def _receive(self, stream: RtpStream, data: bytes) -> None:
        stream.record_received(data, self._clock())
        self._arrival.set()

    async def _all_there(self) -> None:
        while not all(each.is_complete for each in self.streams.values()):
            self._arrival.clear()
            await self._arrival.wait()

    def _judge(self) -> None:
        for peer in (self._offerer, self._answerer):
            if peer.ice.failure is not None:
                raise peer.ice.failure
        for name, stream in self.streams.items():
            if stream.altered:
                raise altered(*stream.altered[0], phase=PHASE)
            sent, way = len(stream.sent), name.replace("_", " ")
            if sent and not stream.arrived:
                message = f"none of {sent} audio packets {way} arrived, but data did"
                raise CheckFailed(Cause.RELAY_LOSS, message, phase=PHASE, hint=_BREAKS_RTP)
            if sent and is_significant_loss(stream.lost, sent):
                message = f"{stream.lost} of {sent} audio packets {way} were lost"
                raise CheckFailed(Cause.RELAY_LOSS, message, phase=PHASE)
