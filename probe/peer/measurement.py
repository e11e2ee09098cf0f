"""The two calls of one run to a peer elsewhere: directly, and through a relay of ours."""

from dataclasses import dataclass
from pathlib import Path as FilePath

from msgspec import Struct
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed, NotMeasured
from probe.core.recorder import Recorder
from probe.ice.aioice_agent import AioiceAgent, IceServers
from probe.ice.candidate import Path
from probe.ice.relay_agent import RelayAgent
from probe.peer.answerer import GATHER_SECONDS
from probe.peer.call import OutgoingCall, Phases, ProbeInstance
from probe.peer.client import PeerClient
from probe.peer.ice_servers import relay_to, stun_address
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.credentials import TurnCredentials, require_credentials
from probe.stun.uri import TurnUri
from probe.turn.resolve import Family
from probe.turn.statistics import median


@dataclass
class Attempt:
    """One call: how far it came, and why no further."""

    call: "OutgoingCall"
    failure: CheckFailed | None = None

    @property
    def has_candidates(self) -> bool:
        """Whether there were addresses to call from and to; else it says nothing."""
        return self.failure is None or self.failure.cause is not Cause.NO_CANDIDATE

    @property
    def rtt(self) -> float | None:
        """Median round trip, in seconds; None where no echo came back."""
        rtts = [*self.call.ledger.rtts.values()]
        return median(rtts) if rtts else None


class CallOptions(Struct, frozen=True):
    """What both calls have in common: whose relay, how many echoes, how long each phase, and
    whether private addresses are offered and called."""

    provider: str
    echoes: int
    bounds: PhaseTimeouts
    private: bool = True


class PeerMeasurement:
    """Calls from ``local`` to the probe at ``url``. What kept us from calling at all
    is raised as NotMeasured; a failure is kept in the attempt, for what it means depends on
    the other call."""

    def __init__(
        self,
        client: PeerClient,
        local: ProbeInstance,
        plan: CallOptions,
        record: Recorder,
        context: Context,
    ) -> None:
        self.local, self.url = local, client.url
        self._client, self._record, self._context = client, record, context
        self._plan = replace(plan, bounds=replace(plan.bounds, gathering=GATHER_SECONDS))

    async def direct(self, stun: TurnUri | None) -> Attempt:
        """From our own addresses to the peer's, with the help of STUN alone."""
        with self._record.phase("direct_dns"):
            servers = IceServers(await stun_address(stun))
        ice = AioiceAgent(servers, controlling=True, clock=self._context.clock)
        return await self._make("direct", ice)

    async def relayed(
        self,
        url: TurnUri,
        credentials: TurnCredentials | None,
        family: Family | None,
        ca_file: FilePath | None,
    ) -> Attempt:
        """From a relay to whatever of the peer's addresses is reached first. Raises NotMeasured
        without credentials."""
        credentials = require_credentials(credentials, "relayed_gathering")
        with self._record.phase("relayed_dns"):
            relay = await relay_to(url, credentials, family, ca_file)
        ice = RelayAgent(relay, clock=self._context.clock, now=self._context.now)
        attempt = await self._make("relayed", ice)
        if ice.way:
            route = f"from the relay to the peer's {ice.way} address"
            self._record.facts.setdefault("relayed", route)
        return attempt

    async def _make(self, path: Path, ice: AioiceAgent | RelayAgent) -> Attempt:
        call = OutgoingCall(ice, self._phases(path), self._context, private=self._plan.private)
        attempt = Attempt(call)
        plan = self._plan
        async with call:
            try:
                await call.make(
                    self.local,
                    path,
                    plan.provider,
                    lambda offer: self._client.send_offer(offer, self._context),
                    plan.bounds,
                )
                if not call.is_to_itself:
                    await call.echo(plan.echoes)
            except NotMeasured as error:
                error.phase = f"{path}_{error.phase}"
                raise
            except CheckFailed as error:
                error.phase = f"{path}_{error.phase}"
                attempt.failure = error
                self._record.facts[path] = error.message
        return attempt

    def _phases(self, path: Path) -> Phases:
        return lambda name: self._record.phase(f"{path}_{name}")
