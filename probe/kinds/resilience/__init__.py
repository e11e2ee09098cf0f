"""``resilience``: how long recovery from a disruption takes.

On request: ``--only resilience``, or in the daemon where a table gives it an ``interval``.
A run loses the network for 3, 10 and 40 s, on the probe's own side: forwarders of its own,
between its clients and the target, drop what comes (``probe.net.impairment``). Nothing is done to
the host's network or to the target. ``signaling`` is a Socket.IO session, ``call`` a relayed
WebRTC call, which also loses its relay (437), gets a stale nonce (438), is refreshed as a
longer call is, and loses consent.

Clients behave as a browser does (``probe.paircam.reconnect``, ``probe.call.recovery``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec.structs import replace
from pydantic import Field

from probe.core.context import Context
from probe.core.field_types import Seconds
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Impact, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.resilience.signals import (
    CONSENT_LOST,
    CONSENT_RECOVERY,
    LIFETIME,
    PATH_RECOVERY,
    REFRESH,
    RELAY_RECOVERY,
    SIGNALS,
    STALE_NONCE,
    write_call,
)
from probe.net.tasks import gather_first_error
from probe.stun.credentials import require_credentials
from probe.stun.uri import TRANSPORTS, TurnUri
from probe.turn_targets.environment import TurnEnvironment, named, servers_of
from probe.turn_targets.matrix import issued_table, server_table
from probe.turn_targets.server_list import counting_traffic, servers_for
from probe.turn_targets.signals import BYTES
from probe.turn_targets.table import TurnServerConfig

if TYPE_CHECKING:
    from probe.call.recovery import RecoveringCall
    from probe.ice.relay_transport import RelayServer
    from probe.net.impairment import Impairment

LOSSES = (3.0, 10.0, 40.0)
CONSENT_SECONDS = 15.0
"""From the first check without an answer, up to 2.7 s after the last one, until ICE has failed:
Chromium's. RFC 7675 section 5.1 allows 30."""
# From the end of a loss until a healthy target is back at the latest: socket.io-client's attempt
# that was under way; libwebrtc's next Allocate and what follows it.
_SESSION_BACK, _CALL_BACK = 20.0, 13.0
# Two calls are set up before the last one's measurements.
_SET_UP = 5.0

# An established call, with its checks and messages; a test measures the whole.
_CALL_BYTES_A_SECOND = 1_500
_SETTING_UP_BYTES = 10_000
# A session, and a round trip or two.
_SESSION_COMMANDS = 6


Loss = Annotated[Seconds, Field(gt=0, le=300)]


class ResilienceTable(TurnServerConfig):
    """What is lost, and for how long: a Socket.IO session of the backend, or a call through a
    relay (of its own table, or the one that the backend issues)."""

    part: Literal["signaling", "call"]
    """What loses the network: a Socket.IO session, or a relayed call. Example: `call`"""
    losses: tuple[Loss, ...] = Field(default=LOSSES, min_length=1, max_length=5)
    """How long the network is lost, one loss after the other. Example: `[3, 10, 40]`"""
    deadline: Seconds = Field(default=150.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `150`"""

    @property
    def target(self) -> str:
        if self.part == "signaling" and self.backend_url is not None:
            return f"{super().target.removesuffix('/turn/credentials')}/signaling"
        return super().target

    @property
    def needed_seconds(self) -> float:
        """The losses, and how long browsers need after them: SCTP's timer doubles during one."""
        *shorter, longest = sorted(self.losses)
        if self.part == "signaling":
            return longest + _SESSION_BACK
        in_turn = sum(2 * loss + _SET_UP for loss in shorter)
        return max(2 * longest + _SET_UP, in_turn + _SET_UP, CONSENT_SECONDS + _CALL_BACK)

    @property
    def labels(self) -> dict[str, str]:
        """``part``; of a call its ``provider`` and ``transport`` too."""
        server = {} if self.part == "signaling" else super().labels
        return {"part": self.part, **server}

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("calls", "Calls don't recover", "Calls don't recover from an outage")

    @property
    def triggered_by(self) -> frozenset[str]:
        """Nothing: it runs when it is asked for."""
        return frozenset()


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """A session of the backend, and a call through the first configured relay by UDP, or the
    first at all; without any, through what the backend issues."""
    tables: list[dict[str, Any]] = []
    skipped = []
    if environment.backend_url is None:
        skipped.append("BACKEND_URL is not set (Socket.IO)")
    else:
        tables.append({**issued_table("resilience-signaling", environment), "part": "signaling"})
    servers = [server for _, server in named(servers_of(environment).servers)]
    servers.sort(key=lambda server: TRANSPORTS.index(server.url.kind))
    if servers:
        tables.append({**server_table("resilience-call", servers[0]), "part": "call"})
    elif environment.backend_url is not None:
        tables.append({**issued_table("resilience-call", environment), "part": "call"})
    else:
        skipped.append("TURN_URLS is not set (calls)")
    return DerivedChecks(tables, skipped, {"ca_file": environment.ca_file})


async def run(table: ResilienceTable, record: Recorder, context: Context) -> None:
    """Everything at the same time, as far as one loss does not disturb another."""
    if table.part == "signaling":
        from probe.kinds.resilience.sessions import run_sessions

        await run_sessions(table, table.losses, record, context)
        return
    with counting_traffic(table, record, context):
        await _run_call(table, record, context)


async def _run_call(table: ResilienceTable, record: Recorder, context: Context) -> None:
    """The longest loss, the loss of consent, and all else one after the other."""
    relay = await _relay(table, record, context)
    *shorter, longest = sorted(table.losses)
    with record.phase("losses"):
        await gather_first_error(
            _lose_network(relay, longest, record, context),
            _lose_consent(relay, record, context),
            _sequentially(relay, shorter, record, context),
        )


async def _sequentially(
    relay: "RelayServer",
    losses: list[float],
    record: Recorder,
    context: Context,
) -> None:
    for loss in losses:
        await _lose_network(relay, loss, record, context)
    async with _call(relay, context) as (call, _):
        refreshed = await call.refresh()
        record.sample(REFRESH, refreshed.seconds)
        record.sample(LIFETIME, refreshed.lifetime)
        renewed = await call.renew_nonce()
        if renewed is not None:
            record.sample(STALE_NONCE, renewed)
        else:
            record.facts["nonce"] = "the server takes any"
        recovery = await call.lose_relay()
        record.sample(RELAY_RECOVERY, recovery.path_out)


async def _lose_network(
    relay: "RelayServer", seconds: float, record: Recorder, context: Context
) -> None:
    async with _call(relay, context) as (call, outage):
        found = await call.simulate_loss(outage, seconds)
    write_call(found, seconds, record)


async def _lose_consent(relay: "RelayServer", record: Recorder, context: Context) -> None:
    async with _call(relay, context) as (call, _):
        found = await call.lose_consent()
    if found.noticed is not None:
        record.sample(CONSENT_LOST, found.noticed)
    record.sample(CONSENT_RECOVERY, found.path)


@asynccontextmanager
async def _call(
    relay: "RelayServer", context: Context
) -> AsyncIterator[tuple["RecoveringCall", "Impairment"]]:
    """A call whose offering side goes through a forwarder."""
    from probe.call.recovery import RecoveringCall
    from probe.net.impairment import Impairment, TcpForwarder, UdpForwarder
    from probe.stun.browser_timing import PhaseTimeouts

    outage, target = Impairment(context.clock), relay.addresses[0]
    forwarder = UdpForwarder if relay.url.kind == "udp" else TcpForwarder
    async with forwarder(target, outage) as led:
        relays = (replace(relay, addresses=[led.address]), relay)
        async with RecoveringCall(relays, context, PhaseTimeouts(), CONSENT_SECONDS) as call:
            yield call, outage


async def _relay(table: ResilienceTable, record: Recorder, context: Context) -> "RelayServer":
    from probe.ice.relay_transport import relay_server
    from probe.turn.resolve import resolve_turn_server

    credentials, urls = await servers_for(table, record, context)
    url: TurnUri = urls[0]
    credentials = require_credentials(credentials, "losses")
    record.facts["relay"] = str(url)
    with record.phase("dns"):
        addresses = await resolve_turn_server(url, table.family)
    return await relay_server(url, credentials, addresses[:1], table.ca_file)


def uses(table: ResilienceTable) -> tuple[QuotaUse, ...]:
    """Redis commands of the sessions, or the bytes of five calls."""
    if table.part == "signaling":
        return (QuotaUse("upstash", _SESSION_COMMANDS * 2 * len(table.losses)),)
    seconds = sum(table.losses) + CONSENT_SECONDS + 2 * 20
    calls = len(table.losses) + 2
    taken = seconds * _CALL_BYTES_A_SECOND + 2 * calls * _SETTING_UP_BYTES
    return (QuotaUse(f"turn-{table.provider}", taken),)


KIND = Kind(
    name="resilience",
    summary="time to recover from network loss of 3, 10 and 40 s, a relay restart and lost consent",
    environment=TurnEnvironment,
    table=ResilienceTable,
    derive=derive,
    run=run,
    components=("CallRecovery",),
    signals=(*SIGNALS, BYTES),
    failing=FailurePolicy(Verdict.WARNING, hold=300.0),
    on_request=True,
    cost="three sessions; five relayed calls of up to a minute, about 0.3 MB",
    uses=uses,
    load=lazy_import(
        "probe.net.http",
        "probe.paircam.reconnect",
        "probe.call.recovery",
        "probe.kinds.resilience.sessions",
    ),
    interval=86_400.0,
    retry=60.0,
    plot=PATH_RECOVERY,
    runbooks=Runbooks("reconnecting", "reconnecting"),
    dashboard="probe-turn",
    service="calls",
)
