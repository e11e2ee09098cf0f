"""``peer``: calls a probe that is elsewhere, directly and through a relay.

What two peers of one process can't say (``call``): whether two users behind their NATs reach
each other, how many need the relay, what the relay adds, and whether it is reached from
outside. Each run makes two calls to the same peer: a direct one, with STUN alone, and one
through a relay of ours. A call that connects only relayed is a *fallback*.

A peer on this very machine is called like any other; but there a direct call always connects,
so nothing is said of fallback, ICE success or added latency.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, NotMeasured, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.kinds.peer.settings import PeerEnvironment, PeerTable
from probe.kinds.peer.signals import RTT, SIGNALS, THRESHOLDS, write, write_shares
from probe.net.urls import show_host, split_urls
from probe.peer.address import check_name, rotated_addresses, stun_server_of
from probe.turn_targets.matrix import turn_checks
from probe.turn_targets.server_list import counting_traffic, servers_for
from probe.turn_targets.signals import BYTES
from probe.turn_targets.traffic_budget import COSTLY_RELAY_SECONDS, call_bytes

if TYPE_CHECKING:
    from probe.peer.measurement import Attempt, PeerMeasurement

_ITSELF = "this probe itself: there is nothing to measure"
# Of the deadline, for each of two offers: who doesn't answer is to have a better name for it.
_OFFER_SHARE = 1 / 6


def derive(environment: PeerEnvironment) -> DerivedChecks:
    """Each peer through the first server of each provider."""
    defaults: dict[str, Any] = {
        "ca_file": environment.ca_file,
        "app_counts": bool(environment.app_metrics),
    }
    if environment.peer_token is not None:
        defaults["token"] = environment.peer_token
    peers = split_urls(environment.peers)
    if not peers or environment.peer_token is None:
        return DerivedChecks(skipped=("PROBE_PEERS is not set",), defaults=defaults)
    stun = stun_server_of(environment)
    tables: dict[str, dict[str, Any]] = {}
    for entry in peers:
        for server in _one_each(environment):
            name = check_name(entry, server.get("provider", ""), tables)
            tables[name] = {**server, "name": name, "peer": entry, "stun": stun}
    return DerivedChecks([*tables.values()], (), defaults)


def _one_each(environment: PeerEnvironment) -> list[Mapping[str, Any]]:
    """The first server of each provider; an empty table where there is none."""
    found: dict[str, Mapping[str, Any]] = {}
    for table in turn_checks(
        KIND.name, environment, lambda places: [COSTLY_RELAY_SECONDS] * len(places)
    ).tables:
        found.setdefault(table["provider"], table)
    return [*found.values()] or [{}]


async def run(table: PeerTable, record: Recorder, context: Context) -> None:
    """Call directly, then through the relay, and conclude from both."""
    around: AbstractContextManager[None] = nullcontext()
    if table.needs_server:
        around = counting_traffic(table, record, context)
    with around:
        await _run(table, record, context)


async def _run(table: PeerTable, record: Recorder, context: Context) -> None:
    found = await _directly(table, record, context)
    if found is None:
        record.facts["peer"] = _ITSELF
        return
    attempts, direct = found
    _note(direct, attempts, record)
    write("direct", direct, record)
    relayed = None
    if table.needs_server:
        credentials, servers = await servers_for(table, record, context)
        relayed = await attempts.relayed(servers[0], credentials, table.family, table.ca_file)
        _note(relayed, attempts, record)
        write("relayed", relayed, record)
    far = direct.call.far or (relayed.call.far if relayed else None)
    if far is None:
        raise _unmeasured(direct) if relayed is None or relayed.failure is None else relayed.failure
    if relayed is not None and relayed.call.is_to_itself:
        record.facts["peer"] = _ITSELF
        return
    is_local = far.machine == attempts.local.machine
    _conclude(direct, relayed, record, is_local=is_local)


def _note(attempt: "Attempt", attempts: "PeerMeasurement", record: Recorder) -> None:
    """Who it was that answered."""
    far = attempt.call.far
    if far is not None:
        record.facts["peer"] = f"{show_host(attempts.url)}, {far.region}, {far.version}"


async def _directly(
    table: PeerTable, record: Recorder, context: Context
) -> "tuple[PeerMeasurement, Attempt] | None":
    """The first call to the first of its addresses that isn't ours; None if all are.

    Raises NotMeasured where the peer could not be asked.
    """
    from probe.peer.call import identity_of
    from probe.peer.client import OFFER_SECONDS, PeerClient
    from probe.peer.measurement import CallOptions, PeerMeasurement
    from probe.stun.browser_timing import PhaseTimeouts

    with record.phase("resolve"):
        urls = await _addresses(table, context)
    local = identity_of(context, version("paircam-probe"), "")
    timeout = min(OFFER_SECONDS, _OFFER_SHARE * table.deadline)
    plan = CallOptions(
        table.provider,
        table.echoes,
        PhaseTimeouts.as_browsers(table.deadline / 2),
        table.offers_private_addresses,
    )
    for url in urls:
        client = PeerClient(url, table.token, table.ca_file, timeout)
        attempts = PeerMeasurement(client, local, plan, record, context)
        direct = await attempts.direct(table.stun)
        # Without an address of our own the relayed call may still be made.
        if direct.call.far is None and (direct.has_candidates or not table.needs_server):
            raise _unmeasured(direct)
        if not direct.call.is_to_itself:
            return attempts, direct
    return None


async def _addresses(table: PeerTable, context: Context) -> list[str]:
    """Where the peer can be asked. A machine that is gone has no name any more: NotMeasured."""
    try:
        return await rotated_addresses(table.peer, context)
    except CheckFailed as error:
        raise NotMeasured(error.cause, error.message, phase="resolve", hint=error.hint) from None


def _unmeasured(attempt: "Attempt") -> NotMeasured:
    """What kept us from calling is no failure of the peer."""
    failure = attempt.failure
    if failure is None:
        raise RuntimeError("a call without an answer has a failure")
    return NotMeasured(failure.cause, failure.message, phase=failure.phase, hint=failure.hint)


def _conclude(
    direct: "Attempt", relayed: "Attempt | None", record: Recorder, *, is_local: bool
) -> None:
    """What both calls say together. Raises the failure of what should have worked."""
    if is_local:
        record.facts["elsewhere"] = "no: the peer is on this machine, where direct calls connect"
    else:
        write_shares(direct, relayed, record)
    if relayed is not None and relayed.failure is not None:
        raise relayed.failure
    # Who finds no direct way is relayed; but a way that was found has to do.
    if direct.failure is not None and (relayed is None or direct.call.connected):
        raise direct.failure if direct.has_candidates else _unmeasured(direct)


def uses(table: PeerTable) -> tuple[QuotaUse, ...]:
    """The provider's bytes for the relayed call, and the peer's own allocation."""
    if not table.needs_server:
        return ()
    return (
        QuotaUse(
            f"turn-{table.provider}", call_bytes(table.client_transport or "udp", table.echoes)
        ),
    )


KIND = Kind(
    name="peer",
    summary="calls to another probe, direct and through a relay: who connects, and how",
    environment=PeerEnvironment,
    table=PeerTable,
    derive=derive,
    run=run,
    components=("RegionCall",),
    signals=(*SIGNALS, BYTES),
    thresholds=THRESHOLDS,
    failing=FailurePolicy(
        severity=Verdict.CRITICAL, severity_with_backup=Verdict.WARNING, hold=120.0
    ),
    cost="two calls to the other probe, one relayed: an allocation on each side, about 24 kB",
    uses=uses,
    load=lazy_import("probe.peer.measurement"),
    interval=COSTLY_RELAY_SECONDS,
    retry=60.0,
    plot=RTT,
    runbooks=Runbooks("peer-failing", "relay-slow"),
    dashboard="probe-turn",
    service="calls",
)
