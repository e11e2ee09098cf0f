"""Set-up of one end of a call: gathering, ICE, DTLS, data channel, each with its own timeout."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass

from probe.call.aiortc_import import RTCDtlsParameters
from probe.call.endpoint import CallEndpoint
from probe.core.causes import Cause
from probe.net.tasks import phase_timeout, phase_timeout_as
from probe.stun.transport import Phases, untimed

# Deleting the allocations may take a second (TurnClient), closing the rest a moment.
CLOSE_TIMEOUT = 1.5

OnMessage = Callable[[CallEndpoint, bytes], None]


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
    # For what the TURN server has to confirm still, once a call is established.
    settling: float = 6.0
    # From the start of gathering until the channel is open.
    setup: float = math.inf

    @classmethod
    def within(cls, deadline: float) -> "PhaseTimeouts":
        """Timeouts that leave room for a diagnosis, so that a failure has a better name than
        ``deadline``; beyond 30 s they don't grow."""
        share = min(1.0, deadline / 30)
        return cls(*(share * each for each in (5.0, 6.0, 6.0, 10.0, 4.0, 6.0)))

    @classmethod
    def as_browsers(cls, deadline: float) -> "PhaseTimeouts":
        """As ``within``, where no phase ends before a browser's would: libwebrtc sends an Allocate
        for the seventh time after 15.75 s, drops a pair of candidates after 15 s without an answer
        (CONNECTION_WRITE_TIMEOUT), and goes on with DTLS and SCTP for as long as a user waits, for
        whom that is 20 s in all."""
        share = min(1.0, deadline / 30)
        return cls(*(share * each for each in (17.0, 15.0, 20.0, 20.0, 4.0, 6.0, 20.0)))


@dataclass
class EndpointTimes:
    """When one side reached each phase, in seconds from the start of gathering; 0: not yet."""

    gathering: float = 0.0
    ice: float = 0.0
    dtls: float = 0.0
    opened: float = 0.0


@dataclass(frozen=True, slots=True)
class CallSetup:
    """Takes an end of a call through its phases, as soon as each can begin.

    ``phases`` times each of ``ice``, ``dtls`` and ``data_channel``; ``reached`` is called with
    the field of :class:`EndpointTimes` that is over. With ``reported_as``, whatever fails is
    reported as the phase that it maps to, and timed as it. ``elapsed`` has the seconds since the
    start of gathering, where the whole is limited. Every step raises CheckFailed.
    """

    timeouts: PhaseTimeouts
    phases: Phases = untimed
    reached: Callable[[str], None] = lambda _: None
    reported_as: Mapping[str, str] | None = None
    elapsed: Callable[[], float] = lambda: 0.0

    async def gather(self, peer: CallEndpoint) -> None:
        """Gather candidates."""
        message = "the server doesn't answer"
        async with self._timeout(self.timeouts.gathering, "gathering", Cause.DEADLINE, message):
            await peer.gather()
        self.reached("gathering")

    async def connect(
        self, peer: CallEndpoint, theirs: RTCDtlsParameters, on_message: OnMessage
    ) -> None:
        """Connect with the side that has these DTLS parameters and whose candidates are known,
        up to an open data channel."""
        limits = self.timeouts
        with self._timed("ice"):
            message = "no pair of candidates connects"
            async with self._timeout(limits.ice, "ice", Cause.ICE_FAILED, message):
                await peer.connect_ice()
        self.reached("ice")
        with self._timed("dtls"):
            message = "the DTLS handshake does not end"
            async with self._timeout(limits.dtls, "dtls", Cause.DTLS_FAILED, message):
                await peer.connect_dtls(theirs)
        self.reached("dtls")
        with self._timed("data_channel"):
            message, cause = "the data channel does not open", Cause.DATA_CHANNEL_FAILED
            async with self._timeout(limits.channel, "data_channel", cause, message):
                await peer.open_channel(on_message)
        self.reached("opened")

    def _timed(self, phase: str) -> AbstractContextManager[None]:
        return self.phases(self.reported_as[phase] if self.reported_as else phase)

    def _timeout(
        self, seconds: float, phase: str, cause: Cause, message: str
    ) -> AbstractAsyncContextManager[None]:
        left = self.timeouts.setup - self.elapsed()
        seconds = min(seconds, max(0.0, left))
        if self.reported_as is None:
            return phase_timeout(seconds, phase, cause, message)
        return phase_timeout_as(seconds, self.reported_as[phase], cause, message)
