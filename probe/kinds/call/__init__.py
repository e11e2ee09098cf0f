"""``call``: two WebRTC peers, direct and through each relay, as far as echoes.

Both peers are in this process. So a direct call shows that the library and the probe's
own network work, and a relayed one that the relay relays; whether two users elsewhere
reach each other is more than they can say.
"""

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, NotMeasured, Verdict
from probe.core.recorder import Recorder
from probe.kinds.call.settings import CallTable
from probe.kinds.call.signals import ICE, SIGNALS, SUCCESS, THRESHOLDS, write, write_media
from probe.stun.credentials import TurnCredentials, require_credentials
from probe.stun.uri import TurnUri
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.matrix import turn_checks
from probe.turn_targets.runbooks import OF_A_CALL
from probe.turn_targets.server_list import counting_traffic, servers_for
from probe.turn_targets.signals import BYTES
from probe.turn_targets.traffic_budget import (
    COSTLY_RELAY_SECONDS,
    call_bytes,
    media_bytes,
    relay_intervals,
)

if TYPE_CHECKING:
    from probe.call.diagnosis import Diagnosis
    from probe.call.local_call import Call
    from probe.ice.relay_transport import RelayServer

# The part of the deadline in which a failure is looked at more closely.
_DIAGNOSIS_SHARE = 0.1
# Calls share a user's quota, which is free again about a second after a deletion;
# and our port may have had another user, whom the server still remembers. Odd pauses, so
# that two that were refused together don't come back together.
_RETRY_WITH_OTHER_SERVER = (Cause.ALLOCATION_QUOTA, Cause.ALLOCATION_LOST)
_PAUSES = (0.7, 1.1)


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """A direct call, one through each configured URL, one through what the backend issues.

    Where no relay is known at all there is nothing to call through, and a direct call
    within one process says nothing about the application.
    """
    found = turn_checks(KIND.name, environment, relay_intervals)
    relayed = [{**table, "path": "relayed"} for table in found.tables]
    direct = [{"name": "call-direct", "path": "direct"}] if relayed else []
    return replace(found, tables=[*direct, *relayed])


async def run(table: CallTable, record: Recorder, context: Context) -> None:
    """Make one call."""
    if not table.needs_server:
        await _run_direct(table, record, context)
        return
    try:
        with counting_traffic(table, record, context):
            await _run_through_server(table, record, context)
    except (CheckFailed, asyncio.CancelledError):
        record.sample(SUCCESS, 0.0)
        raise


async def _run_through_server(table: CallTable, record: Recorder, context: Context) -> None:
    async def measure(url: TurnUri, credentials: TurnCredentials | None, seconds: float) -> None:
        calling = table.calling_seconds_of(seconds)
        await _run_relayed(url, credentials, table, calling, record, context)

    if table.issued:
        from probe.turn_targets.issued import measure_issued

        await measure_issued(table, measure, record, context, check_others=False)
        return
    credentials, urls = await servers_for(table, record, context)
    async with allocation_slots(
        [credentials] * 2, table.user_quota, record, context, place=table.place
    ):
        await measure(urls[0], credentials, table.deadline)


async def _run_direct(table: CallTable, record: Recorder, context: Context) -> None:
    """A direct call within one process can only fail for reasons of our own."""
    from probe.call.local_call import Call
    from probe.stun.browser_timing import PhaseTimeouts

    bounds = PhaseTimeouts.as_browsers(table.calling_seconds)
    async with Call(None, record, context, bounds=bounds) as call:
        await call.gather()
        if not call.has_candidates:
            raise NotMeasured(
                Cause.OWN_NETWORK, "the probe's machine has no address besides loopback"
            )
        try:
            await _complete(call, table, record, context)
        except CheckFailed as error:
            raise NotMeasured(error.cause, error.message, phase=error.phase) from None


async def _run_relayed(
    url: TurnUri,
    credentials: TurnCredentials | None,
    table: CallTable,
    seconds: float,
    record: Recorder,
    context: Context,
) -> None:
    from probe.call.diagnosis import Diagnosis

    credentials = require_credentials(credentials, "gathering")
    relay = await _relay(url, credentials, table, record)
    limit = _DIAGNOSIS_SHARE * seconds
    diagnosis = Diagnosis(url, credentials, context, table.ca_file, limit)
    for pause in (*_PAUSES, None):
        try:
            await _call_through(relay, diagnosis, table, seconds, record, context)
        except CheckFailed as error:
            if (
                error.phase != "gathering"
                or error.cause not in _RETRY_WITH_OTHER_SERVER
                or pause is None
            ):
                raise
            # A new call: this one's waiting would be no part of what setting up takes.
            with record.phase("pause"):
                await asyncio.sleep(pause)
        else:
            return


async def _call_through(
    relay: "RelayServer",
    diagnosis: "Diagnosis",
    table: CallTable,
    seconds: float,
    record: Recorder,
    context: Context,
) -> None:
    from probe.call.local_call import Call
    from probe.stun.browser_timing import PhaseTimeouts

    bounds = PhaseTimeouts.as_browsers(seconds)
    async with Call(relay, record, context, bounds=bounds) as call:
        try:
            await call.gather()
            await _complete(call, table, record, context)
        except CheckFailed as error:
            await diagnosis.of(error)
        except asyncio.CancelledError:
            # Before closing, which may take longer than the caller waits.
            record.sample(SUCCESS, 0.0)
            raise


async def _complete(call: "Call", table: CallTable, record: Recorder, context: Context) -> None:
    try:
        await call.connect()
        await call.echo(table.echoes)
    finally:
        # What a failure has cut short is worth keeping up to there.
        write(call, record)
    if table.media:
        await _exchange_media(call, table, record, context)
    record.sample(SUCCESS, 1.0)


async def _exchange_media(
    call: "Call", table: CallTable, record: Recorder, context: Context
) -> None:
    from probe.call.audio import PHASE, CallAudio
    from probe.turn.statistics import median

    audio, rtt = CallAudio(call.offerer, call.answerer, context.clock), median(call.times.rtts)
    try:
        with record.phase(PHASE):
            await audio.exchange_media(table.media_seconds, rtt)
    finally:
        write_media(audio, rtt, record)


async def _relay(
    url: TurnUri, credentials: TurnCredentials, table: CallTable, record: Recorder
) -> "RelayServer":
    from probe.ice.relay_transport import relay_server
    from probe.turn.resolve import resolve_turn_server

    with record.phase("dns"):
        addresses = await resolve_turn_server(url, table.family)
    return await relay_server(url, credentials, addresses, table.ca_file)


def uses(table: CallTable) -> tuple[QuotaUse, ...]:
    """The provider's bytes; a direct call takes none."""
    if not table.needs_server:
        return ()
    amount: float = call_bytes(table.client_transport or "udp", table.echoes)
    if table.media:
        amount += media_bytes(table.media_seconds)
    return (QuotaUse(f"turn-{table.provider}", amount),)


KIND = Kind(
    name="call",
    summary="a WebRTC call, direct and through each relay: gathering, ICE, DTLS, data channel, "
    "echoes, audio where asked for",
    environment=TurnEnvironment,
    table=CallTable,
    derive=derive,
    run=run,
    components=("Call",),
    details=frozenset(
        {
            "probe_call_answering_gathering_seconds",
            "probe_call_media_concealed_ratio",
            "probe_call_media_loss_ratio",
            "probe_call_answering_ice_connected_seconds",
            "probe_call_answering_dtls_connected_seconds",
            "probe_call_offering_open_seconds",
            "probe_call_answering_open_seconds",
            "probe_call_retransmitted",
            "probe_call_gathering_seconds",
            "probe_call_media_jitter_seconds",
        }
    ),
    buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0),
    signals=(*SIGNALS, BYTES),
    thresholds=THRESHOLDS,
    failing=FailurePolicy(
        severity=Verdict.CRITICAL,
        severity_with_backup=Verdict.WARNING,
        hold=120.0,
        warning_only_causes=frozenset({Cause.HAIRPIN_FAILED, Cause.SOME_URLS_FAILED}),
    ),
    core=True,
    cost="two allocations, ICE, DTLS, SCTP, 11 echoes, about 30 kB a run for each URL",
    uses=uses,
    load=lazy_import("probe.call.local_call", "probe.call.diagnosis"),
    interval=COSTLY_RELAY_SECONDS,
    retry=60.0,
    plot=ICE,
    runbooks=OF_A_CALL,
    dashboard="probe-turn",
    availability=0.95,
    service="calls",
)
