"""Two users of the application, matched by it, call each other through it.

Offer, answer and candidates go through the backend, ICE through the relay that it issued,
in the order that browsers keep: the offer leaves at once, candidates when they are found.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from probe.call import sdp
from probe.call.aiortc_import import RTCCertificate
from probe.call.echo import ChannelEcho
from probe.call.endpoint import CallEndpoint
from probe.call.sdp import SdpDescription
from probe.call.setup import CallSetup
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.core.recorder import Recorder
from probe.ice.relay_pair import RelayPairIce, RemoteParameters
from probe.ice.relay_transport import RelayServer
from probe.net.socketio import ReceivedEvent
from probe.net.tasks import finish_all, first_ended, gather_first_error, race
from probe.paircam.user_session import AppUser
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.message import PeerAddress
from probe.stun.transport import Phases, untimed

# "matched" may come twice, with another session: the last that both saw is valid. After so long
# without another one we begin; should one come later, the exchange begins anew.
SETTLE_SECONDS = 0.5
# The journey's phases: what a side gathers is over before its connectivity checks begin.
_PHASES = {"gathering": "ice", "ice": "ice", "dtls": "dtls", "data_channel": "open"}


class RemoteDescription(Struct, frozen=True):
    """The remote description, as signaling delivered it."""

    description: SdpDescription
    address: PeerAddress


class SignaledEndpoint:
    """One of the two: a user of the application, and its end of the call."""

    def __init__(self, user: AppUser, relay: RelayServer, context: Context, *, calls: bool) -> None:
        self.user = user
        self.ice = RelayPairIce(relay, controlling=calls, clock=context.clock, now=context.now)
        certificate = RTCCertificate.generateCertificate()
        self.peer = CallEndpoint(offering=calls, ice=self.ice, certificate=certificate)
        self.away: RemoteDescription | None = None

    async def send_signal(self, what: str, session: str, data: dict[str, Any]) -> None:
        """Send an offer, an answer or a candidate through the backend."""
        await self.user.send(f"send-{what}", sessionId=session, type=what, data=data)

    async def receive_signal(self, what: str, session: str) -> object:
        """What the other side sent."""
        arrival = await self.user.wait_for(what, session)
        return content_of(arrival, what)

    async def connect(self, setup: CallSetup, echoes: ChannelEcho) -> None:
        """Connect with the remote description, up to an open data channel."""
        assert self.away is not None
        partner = RemoteParameters(self.away.description.login, self.away.address)
        await self.ice.set_remote_parameters(partner)
        await setup.connect(self.peer, self.away.description.dtls, echoes.received)


@dataclass
class CallTimestamps:
    """When the call came how far, on the context's clock; 0: not yet."""

    began: float = 0.0
    gathering: float = 0.0
    answered: float = 0.0
    ice: float = 0.0
    dtls: float = 0.0
    opened: float = 0.0
    rtts: list[float] = field(default_factory=list)


class SignaledCall:
    """Two users, from the queue to the end of their call."""

    def __init__(
        self,
        caller: AppUser,
        callee: AppUser,
        record: Recorder,
        context: Context,
        bounds: PhaseTimeouts,
    ) -> None:
        self.caller, self.callee = caller, callee
        self.timestamps = CallTimestamps()
        self._record, self._context, self._bounds = record, context, bounds
        self._sides: tuple[SignaledEndpoint, ...] = ()

    @property
    def session(self) -> str | None:
        """The last session that both sides were given."""
        given = {met.session for met in self.callee.matches}
        both = [met.session for met in self.caller.matches if met.session in given]
        return both[-1] if both else None

    async def matched(self) -> float:
        """Wait for the session of the call; when both had been matched first.

        Raises CheckAborted, for a match with another user as soon as it is announced.
        """
        await self.unless_ended(self._settled())
        return max(user.matched_at[0] for user in (self.caller, self.callee))

    async def stay_unmatched(self) -> None:
        """Wait for as long as an immediate match may take. Raises CheckAborted, as ``matched``."""
        await self.unless_ended(asyncio.sleep(SETTLE_SECONDS))

    async def unless_ended(self, work: Coroutine[Any, Any, None]) -> None:
        """Work, unless a user's session ends first, whose CheckAborted is raised."""
        ends = (user.until(lambda: False) for user in (self.caller, self.callee))
        await race(work, gather_first_error(*ends))

    async def _settled(self) -> None:
        users = (self.caller, self.callee)
        await gather_first_error(*(user.wait_for("matched") for user in users))
        while True:
            last = max(user.matched_at[-1] for user in users)
            left = last + SETTLE_SECONDS - self._context.clock()
            if left <= 0 and self.session is not None:
                return
            await asyncio.sleep(max(left, SETTLE_SECONDS / 10))

    async def call(self, relay: RelayServer, echoes: int) -> None:
        """Signaling, ICE, DTLS, data channel, echoes. Raises CheckAborted with the phase."""
        caller = SignaledEndpoint(self.caller, relay, self._context, calls=True)
        callee = SignaledEndpoint(self.callee, relay, self._context, calls=False)
        self._sides = (caller, callee)
        self._tolerate_complaints(True)
        try:
            await self.unless_ended(self._call(caller, callee, echoes))
        except CheckFailed:
            if self.timestamps.answered and not self.timestamps.opened:
                await self._report_status("failed")
            raise

    async def end(self) -> None:
        """Hang up, and wait until both sides are notified."""
        session = self.session
        self.caller.ending = self.callee.ending = True
        self._tolerate_complaints(False)
        await self.caller.send("end-call", sessionId=session)
        await gather_first_error(
            self.caller.wait_for("call-ended", session),
            self.callee.wait_for("peer-disconnected", session),
        )

    async def _report_status(self, status: str, **content: float) -> None:
        """As a browser does once a call is connected or has failed; the backend keeps statistics
        of it, and answers nothing."""
        with suppress(CheckAborted):
            await self.caller.send(
                "connection-status", sessionId=self.session, status=status, **content
            )

    def _tolerate_complaints(self, yes: bool) -> None:
        self.caller.tolerates_complaints = self.callee.tolerates_complaints = yes

    async def close(self) -> None:
        """Close the call's ends, and have both users leave. Never raises."""
        ends = [side.peer.close() for side in self._sides]
        users = (self.caller.leave(), self.callee.leave())
        await finish_all(*ends, *users)

    async def _call(self, caller: SignaledEndpoint, callee: SignaledEndpoint, echoes: int) -> None:
        clock, moments = self._context.clock, self.timestamps
        both = ChannelEcho(clock)
        moments.began = clock()
        gathering = [
            asyncio.create_task(self._setup().gather(side.peer)) for side in (caller, callee)
        ]
        try:
            await self._signal(caller, callee, *gathering)
            await gather_first_error(
                caller.connect(self._setup(self._record.phase), both),
                callee.connect(self._setup(), both),
            )
        finally:
            for task in gathering:
                task.cancel()
            await asyncio.gather(*gathering, return_exceptions=True)
        milliseconds = round(1000 * (moments.opened - moments.began))
        await self._report_status("connected", connectionTime=max(milliseconds, 1))
        with self._record.phase("echo"):
            moments.rtts = await both.measure(caller.peer, echoes)

    def _setup(self, phases: Phases = untimed) -> CallSetup:
        return CallSetup(self._bounds, phases, self._reached, _PHASES, self._elapsed)

    def _elapsed(self) -> float:
        return self._context.clock() - self.timestamps.began

    def _reached(self, moment: str) -> None:
        """The later of the two sides counts."""
        setattr(self.timestamps, moment, self._context.clock())

    async def _signal(
        self, caller: SignaledEndpoint, callee: SignaledEndpoint, *gathering: asyncio.Task[None]
    ) -> None:
        """Exchange everything in the current session; anew when another one replaces it."""
        while True:
            session = self.session
            assert session is not None
            exchange = gather_first_error(
                self._offer(caller, session, gathering[0]),
                self._answer(callee, session, gathering[1]),
            )
            if await race(exchange, self._is_over(session)):
                return
            lost = self._lost()
            if self.session == session and not await self._has_other(session):
                raise lost
            self.caller.complaint = self.callee.complaint = None

    async def _has_other(self, session: str) -> bool:
        """Whether another session replaces it within a moment."""
        self.caller.complaint = self.callee.complaint = None
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._is_over(session)
        return self.session != session

    async def _is_over(self, session: str) -> None:
        """Wait until another session is current, or the backend reports an error."""
        users = (self.caller, self.callee)

        def over() -> bool:
            return self.session != session or any(each.complaint for each in users)

        await first_ended(*(user.until(over) for user in users))

    def _lost(self) -> CheckFailed:
        complaint = self.caller.complaint or self.callee.complaint
        text = complaint.message if complaint else "the backend does not report it"
        message = f"the session that both users were given is not valid: {text}"
        return CheckFailed(Cause.SESSION_LOST, message)

    async def _offer(
        self, side: SignaledEndpoint, session: str, gathered: asyncio.Task[None]
    ) -> None:
        with self._record.phase("signal"):
            await side.send_signal("offer", session, sdp.describe(side.peer, side.ice, "offer"))
            answer = await side.receive_signal("answer", session)
        self.timestamps.answered = self._context.clock()
        description = sdp.read_description(answer, "answer")
        with self._record.phase("ice"):
            await self._trade_candidates(side, session, gathered, description)

    async def _answer(
        self, side: SignaledEndpoint, session: str, gathered: asyncio.Task[None]
    ) -> None:
        offer = await side.receive_signal("offer", session)
        description = sdp.read_description(offer, "offer")
        await side.send_signal("answer", session, sdp.describe(side.peer, side.ice, "answer"))
        await self._trade_candidates(side, session, gathered, description)

    async def _trade_candidates(
        self,
        side: SignaledEndpoint,
        session: str,
        gathered: asyncio.Task[None],
        away: SdpDescription,
    ) -> None:
        await asyncio.shield(gathered)
        await side.send_signal("candidate", session, sdp.describe_candidate(side.ice))
        candidate = await side.receive_signal("candidate", session)
        side.away = RemoteDescription(away, sdp.read_candidate(candidate))


def content_of(arrival: ReceivedEvent, name: str) -> object:
    """One entry of what an event carries; None where there is no such thing."""
    return arrival.content.get(name) if isinstance(arrival.content, dict) else None
