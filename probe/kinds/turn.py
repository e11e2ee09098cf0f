"""``turn``: each TURN server by each transport, from its name to echoes through the relay.

Two allocations on one server exchange packets, so the path is a hairpin: it shows that the
server authenticates, allocates and relays and how fast, not that its relayed addresses are
reached from elsewhere (RTC.md's definitions hold for all measurements).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Limits, Signal, Threshold, Unit, Verdict
from probe.core.recorder import Recorder
from probe.net.certificate_signals import CERTIFICATE_REMAINING
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.matrix import turn_checks
from probe.turn_targets.runbooks import OF_A_MEASUREMENT
from probe.turn_targets.server_list import counting_traffic, servers_for
from probe.turn_targets.signals import (
    ALLOCATE,
    ALLOCATION_SIGNALS,
    ALLOCATION_THRESHOLDS,
    BYTES,
    UNAUTHENTICATED,
    write_allocation,
)
from probe.turn_targets.table import TurnServerConfig, allocation_slots
from probe.turn_targets.traffic_budget import (
    COSTLY_RELAY_SECONDS,
    ECHOES,
    allocation_bytes,
    path_bytes,
    relay_intervals,
)

if TYPE_CHECKING:
    from probe.turn.relay_measurement import RelayMeasurement

RELAY_OPEN = Signal(
    "probe_turn_relay_open_seconds",
    Unit.SECONDS,
    "First packet sent until the first was received through both allocations.",
    latency=True,
)
RELAY_RTT = Signal(
    "probe_turn_relay_rtt_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, median of a run.",
    column="relay RTT",
    latency=True,
)
RELAY_RTT_P95 = Signal(
    "probe_turn_relay_rtt_p95_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, 95th percentile of a run.",
    latency=True,
)
RELAY_RTT_MAX = Signal(
    "probe_turn_relay_rtt_max_seconds",
    Unit.SECONDS,
    "Echo through both allocations and back, the slowest of a run.",
    latency=True,
)
SERVER_RTT = Signal(
    "probe_turn_server_rtt_seconds",
    Unit.SECONDS,
    "One TURN transaction on a warm connection, median of a run.",
    latency=True,
)
OVERHEAD = Signal(
    "probe_turn_relay_overhead_seconds",
    Unit.SECONDS,
    "Relay RTT - 2 x server RTT: what the server adds. Noise can make it negative.",
)
JITTER = Signal(
    "probe_turn_jitter_seconds",
    Unit.SECONDS,
    "RFC 3550 interarrival jitter of the one-way transit through the relay.",
    column="jitter",
    latency=True,
)
LOSS = Signal(
    "probe_turn_loss_ratio",
    Unit.RATIO,
    "1 - unique echoes received / sent, after a grace period.",
    column="loss",
)
LATE = Signal("probe_turn_late_packets", Unit.COUNT, "Echoes after the grace period: lost ones.")
DUPLICATES = Signal("probe_turn_duplicate_packets", Unit.COUNT, "Duplicated echoes.")
REORDERED = Signal("probe_turn_reordered_packets", Unit.COUNT, "Reordered echoes.")
RESENDS = Signal(
    "probe_turn_relay_open_resends",
    Unit.COUNT,
    "How often the first packets through the relay had to be sent again.",
)
RETRANSMISSIONS = Signal(
    "probe_turn_retransmissions",
    Unit.COUNT,
    "STUN requests that were sent again; times of such a run include the wait for it.",
)
MTU = Signal(
    "probe_turn_mtu_bytes",
    Unit.BYTES,
    "The largest packet that came back through the relay; 1200, the largest that is sent, is fine.",
)
MOS = Signal(
    "probe_turn_mos",
    Unit.COUNT,
    "Estimated mean opinion score of a voice call, 1 to 4.5, from relay RTT, jitter and loss "
    "(ITU-T G.107).",
)
SENT = Signal("probe_turn_sent_bytes", Unit.BYTES, "Sent in a run, TURN messages alone.")
RECEIVED = Signal("probe_turn_received_bytes", Unit.BYTES, "Received, TURN messages alone.")

# With PROBE_METRICS=full alone.
_DETAILS: tuple[Signal, ...] = (
    RELAY_RTT_P95,
    RELAY_RTT_MAX,
    SERVER_RTT,
    OVERHEAD,
    RELAY_OPEN,
    UNAUTHENTICATED,
)
_DETAILS += (LATE, DUPLICATES, REORDERED, RESENDS, RETRANSMISSIONS, SENT, RECEIVED)
_DETAILS += (CERTIFICATE_REMAINING,)
_DETAIL_PHASES = ("server_rtt", "permission", "mtu", "others", "token")

# Each signal, and the attribute of RelayMeasurement that it takes its value from.
ATTRIBUTES: Mapping[Signal, str] = {
    ALLOCATE: "allocate",
    RELAY_RTT: "relay_rtt",
    JITTER: "jitter",
    RELAY_RTT_P95: "relay_rtt_p95",
    RELAY_RTT_MAX: "relay_rtt_max",
    SERVER_RTT: "server_rtt",
    OVERHEAD: "overhead",
    RELAY_OPEN: "relay_open",
    UNAUTHENTICATED: "unauthenticated",
    LATE: "late",
    DUPLICATES: "duplicates",
    REORDERED: "reordered",
    RESENDS: "resends",
    RETRANSMISSIONS: "retransmissions",
    MTU: "mtu",
    MOS: "mos",
    SENT: "bytes_sent",
    RECEIVED: "bytes_received",
}

OTHER_SIGNALS = tuple(each for each in ATTRIBUTES if each not in (ALLOCATE, RELAY_RTT, JITTER))

_MAX_TIMEOUT = 2.0


class TurnTable(TurnServerConfig):
    """One server by one transport, or what the backend issues, and how many echoes to send."""

    echoes: int = Field(default=ECHOES, ge=1, le=1000)
    """Echo packets per run. Example: `20`"""

    @property
    def redundancy_group(self) -> str:
        """Configured servers back each other up; issued ones are a group of their own."""
        return "turn-issued" if self.issued else "turn"

    @property
    def backup_groups(self) -> frozenset[str]:
        """Issued servers that work carry users while a configured one fails, not the other
        way round; and a call through them shows that at least one transport works."""
        return frozenset({"turn-issued", "call-issued"} if self.issued else {"turn", "turn-issued"})

    @property
    def timeout(self) -> float:
        """How many seconds the first packet may take through the relay."""
        return min(_MAX_TIMEOUT, self.deadline / 3)


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """A check for each server by each transport, and one for what the backend issues."""
    return turn_checks(KIND.name, environment, relay_intervals)


async def run(table: TurnTable, record: Recorder, context: Context) -> None:
    """Measure one server, or those that the backend issues."""
    with counting_traffic(table, record, context):
        if table.issued:
            await _run_issued(table, record, context)
        else:
            credentials, (url,) = await servers_for(table, record, context)
            async with allocation_slots([credentials] * 2, table.user_quota, record, context):
                await _measure(url, credentials, table, record, context)


async def _measure(
    url: TurnUri,
    credentials: TurnCredentials | None,
    table: TurnTable,
    record: Recorder,
    context: Context,
) -> None:
    from probe.turn.relay_path import RelayPath

    path = RelayPath(
        url,
        credentials,
        record,
        context,
        ca_file=table.ca_file,
        family=table.family,
        timeout=table.timeout,
    )
    try:
        await path.measure(table.echoes)
    finally:
        # Also what a failure or the deadline has cut short is worth keeping.
        _write(path.measurement, record, context.now())


async def _run_issued(table: TurnTable, record: Recorder, context: Context) -> None:
    from probe.turn_targets.issued import measure_issued

    async def measure(url: TurnUri, credentials: TurnCredentials | None) -> None:
        await _measure(url, credentials, table, record, context)

    await measure_issued(table, measure, record, context)


def _write(measurement: "RelayMeasurement", record: Recorder, now: float) -> None:
    """Write down what was measured, up to where the run came."""
    for signal, attribute in ATTRIBUTES.items():
        value = getattr(measurement, attribute)
        if value is not None:
            record.sample(signal, value)
    if measurement.loss is not None:
        record.sample_ratio(LOSS, measurement.loss, len(measurement.echoes.sent))
    write_allocation(measurement.first, record, now)


def uses(table: TurnTable) -> tuple[QuotaUse, ...]:
    """The provider's bytes. Issued servers are not known yet: mostly one server
    by all three transports."""
    amount = path_bytes(table.client_transport or "udp", table.echoes)
    if table.issued:
        amount += allocation_bytes("tcp") + allocation_bytes("tls")
    return (QuotaUse(f"turn-{table.provider}", amount),)


KIND = Kind(
    name="turn",
    summary="two allocations and echoes through the relay, by URL and transport: round trip, "
    "jitter, loss",
    environment=TurnEnvironment,
    table=TurnTable,
    derive=derive,
    run=run,
    signals=(ALLOCATE, RELAY_RTT, JITTER, LOSS, *OTHER_SIGNALS, *ALLOCATION_SIGNALS, BYTES),
    thresholds=(
        Threshold(LOSS, Limits(warning=0.05, critical=0.2), optional=True, hold=60.0),
        Threshold(RELAY_RTT, Limits(warning=0.4), optional=True, hold=60.0),
        Threshold(JITTER, Limits(warning=0.05), optional=True, hold=60.0),
        *ALLOCATION_THRESHOLDS,
    ),
    failing=FailurePolicy(
        severity=Verdict.CRITICAL,
        severity_with_backup=Verdict.WARNING,
        hold=120.0,
        warning_only_causes=frozenset({Cause.HAIRPIN_FAILED, Cause.SOME_URLS_FAILED}),
    ),
    core=True,
    cost="two allocations and 21 echoes, 25 kB a run over UDP and 43 kB over TLS",
    uses=uses,
    load=lazy_import("probe.turn.relay_path"),
    interval=COSTLY_RELAY_SECONDS,
    retry=60.0,
    plot=RELAY_RTT,
    buckets=(0.05, 0.1, 0.2, 0.4),
    brief_histogram=True,
    runbooks=OF_A_MEASUREMENT,
    dashboard="probe-turn",
    components=("TurnRelay",),
    details=frozenset((*(each.name for each in _DETAILS), *_DETAIL_PHASES)),
    service="turn",
)
