"""``turn``: each TURN server by each transport, from its name to echoes through the relay.

Two allocations on one server exchange packets, so the path is a hairpin: it shows that the
server authenticates, allocates and relays and how fast, not that its relayed addresses are
reached from elsewhere.
"""

from typing import TYPE_CHECKING

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.field_types import Seconds
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import FailurePolicy, Limits, Threshold, Verdict
from probe.core.recorder import Recorder
from probe.kinds.turn.signals import (
    ATTRIBUTES,
    DETAIL_PHASES,
    DETAILS,
    JITTER,
    LOSS,
    OTHER_SIGNALS,
    RELAY_RTT,
)
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.matrix import turn_checks
from probe.turn_targets.runbooks import OF_A_MEASUREMENT
from probe.turn_targets.server_list import counting_traffic, servers_for
from probe.turn_targets.signals import (
    ALLOCATE,
    ALLOCATION_SIGNALS,
    ALLOCATION_THRESHOLDS,
    BYTES,
    write_allocation,
)
from probe.turn_targets.table import TurnServerConfig
from probe.turn_targets.traffic_budget import (
    COSTLY_RELAY_SECONDS,
    ECHOES,
    allocation_bytes,
    echo_seconds,
    path_bytes,
    relay_intervals,
)

if TYPE_CHECKING:
    from probe.turn.relay_measurement import RelayMeasurement


class TurnTable(TurnServerConfig):
    """One server by one transport, or what the backend issues, and how many echoes to send."""

    echoes: int = Field(default=ECHOES, ge=1, le=1000)
    """Echo packets per run. Example: `20`"""
    deadline: Seconds = Field(default=30.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `30`"""

    @property
    def needed_seconds(self) -> float:
        """Echoes."""
        return echo_seconds(self.echoes)

    @property
    def redundancy_group(self) -> str:
        """Configured servers back each other up; issued ones are a group of their own."""
        return "turn-issued" if self.issued else "turn"

    @property
    def backup_groups(self) -> frozenset[str]:
        """Issued servers that work carry users while a configured one fails, not the other
        way round; and a call through them shows that at least one transport works."""
        return frozenset({"turn-issued", "call-issued"} if self.issued else {"turn", "turn-issued"})


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
            async with allocation_slots(
                [credentials] * 2, table.user_quota, record, context, place=table.place
            ):
                await _measure(url, credentials, table, table.deadline, record, context)


async def _measure(
    url: TurnUri,
    credentials: TurnCredentials | None,
    table: TurnTable,
    seconds: float,
    record: Recorder,
    context: Context,
) -> None:
    from probe.stun.browser_timing import PhaseTimeouts
    from probe.turn.relay_path import RelayPath

    path = RelayPath(
        url,
        credentials,
        record,
        context,
        ca_file=table.ca_file,
        family=table.family,
        bounds=PhaseTimeouts.as_browsers(seconds),
    )
    try:
        await path.measure(table.echoes)
    finally:
        # Also what a failure or the deadline has cut short is worth keeping.
        _write(path.measurement, record, context.now())


async def _run_issued(table: TurnTable, record: Recorder, context: Context) -> None:
    from probe.turn_targets.issued import measure_issued

    async def measure(url: TurnUri, credentials: TurnCredentials | None, seconds: float) -> None:
        await _measure(url, credentials, table, seconds, record, context)

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
    config_warnings=lambda table: table.credential_warnings,
    plot=RELAY_RTT,
    buckets=(0.05, 0.1, 0.2, 0.4),
    brief_histogram=True,
    runbooks=OF_A_MEASUREMENT,
    dashboard="probe-turn",
    components=("TurnRelay",),
    details=frozenset((*(each.name for each in DETAILS), *DETAIL_PHASES)),
    service="turn",
)
