"""Set-up of one end of a call: gathering, ICE, DTLS, data channel, each with its own timeout."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from msgspec import Struct

from probe.call.aiortc_import import RTCDtlsParameters
from probe.call.endpoint import CallEndpoint
from probe.core.causes import Cause
from probe.net.tasks import phase_timeout, phase_timeout_as
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.transport import Phases, untimed
from probe.stun.transport.refusals import naming_refusal

# Deleting the allocations may take a second (TurnClient), closing the rest a moment.
CLOSE_TIMEOUT = 1.5

OnMessage = Callable[[CallEndpoint, bytes], None]


@dataclass
class EndpointTimes:
    """When one side reached each phase, in seconds from the start of gathering; 0: not yet."""

    gathering: float = 0.0
    ice: float = 0.0
    dtls: float = 0.0
    opened: float = 0.0


class CallSetup(Struct, frozen=True):
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
        async with self._timeout(
            peer, self.timeouts.gathering, "gathering", Cause.DEADLINE, message
        ):
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
            async with self._timeout(peer, limits.ice, "ice", Cause.ICE_FAILED, message):
                await peer.connect_ice()
        self.reached("ice")
        with self._timed("dtls"):
            message = "the DTLS handshake does not end"
            async with self._timeout(peer, limits.dtls, "dtls", Cause.DTLS_FAILED, message):
                await peer.connect_dtls(theirs)
        self.reached("dtls")
        with self._timed("data_channel"):
            message, cause = "the data channel does not open", Cause.DATA_CHANNEL_FAILED
            async with self._timeout(peer, limits.channel, "data_channel", cause, message):
                await peer.open_channel(on_message)
        self.reached("opened")

    def _timed(self, phase: str) -> AbstractContextManager[None]:
        return self.phases(self.reported_as[phase] if self.reported_as else phase)

    @asynccontextmanager
    async def _timeout(
        self, peer: CallEndpoint, seconds: float, phase: str, cause: Cause, message: str
    ) -> AsyncIterator[None]:
        left = self.timeouts.setup - self.elapsed()
        seconds = min(seconds, max(0.0, left))
        with naming_refusal(lambda: peer.ice.refusal):
            if self.reported_as is None:
                limit = phase_timeout(seconds, phase, cause, message)
            else:
                limit = phase_timeout_as(seconds, self.reported_as[phase], cause, message)
            async with limit:
                yield
