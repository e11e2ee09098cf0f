"""``crossing``: from the primary's relay to the backup's and back.

Two allocations on one server are a hairpin, which says nothing on whether the relayed
addresses are reached from elsewhere. An allocation on each of two servers does: packets
leave one relay for the other over whatever lies between them.

A server that refuses allocations is not this check's finding but ``allocation``'s: without both
ends there is no path to measure.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from pydantic import Field

from probe.core.context import Context
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, Impact, NotMeasured, Signal, Unit, Verdict
from probe.core.recorder import Recorder
from probe.stun.byte_counter import ByteCounter, count_bytes
from probe.stun.uri import format_hostport
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.environment import PRIMARY, TurnEnvironment
from probe.turn_targets.runbooks import OF_A_RELAY
from probe.turn_targets.server_list import servers_for, with_uri
from probe.turn_targets.signals import BYTES, traffic_of
from probe.turn_targets.table import ALLOCATION_RESULTS, TurnServerConfig
from probe.turn_targets.traffic_budget import COSTLY_RELAY_SECONDS, ECHOES, echo_seconds, path_bytes

if TYPE_CHECKING:
    from probe.turn.relay_measurement import RelayMeasurement

RTT = Signal(
    "probe_turn_crossing_rtt_seconds",
    Unit.SECONDS,
    "Echo from the near relay to the far one and back, median of a run.",
    column="RTT",
    latency=True,
)
LOSS = Signal(
    "probe_turn_crossing_loss_ratio",
    Unit.RATIO,
    "Echoes that did not come back from the far relay in time, of those sent.",
    column="loss",
)
OPEN = Signal(
    "probe_turn_crossing_open_seconds",
    Unit.SECONDS,
    "First packet sent until the first was received through both relays.",
    latency=True,
)
# The same counter; here each end has its own provider.
RELAYED_BYTES = Signal(
    BYTES.name, BYTES.unit, BYTES.help, labels=("provider", "direction"), counter=True
)

# Failures before the path exists belong to the allocation checks.
_BEFORE_THE_PATH = ("dns", "connect", "tls", "allocate", "credentials")


class CrossingTable(CheckConfig):
    """Two servers of two providers; both are derived."""

    near: TurnServerConfig
    """Server of the primary provider; derived from the variables."""
    far: TurnServerConfig
    """Server of the backup provider; derived from the variables."""
    echoes: int = Field(default=ECHOES, ge=1, le=1000)
    """Echo packets per run. Example: `20`"""

    @property
    def needed_seconds(self) -> float:
        """Echoes."""
        return echo_seconds(self.echoes)

    @property
    def target(self) -> str:
        return f"{self.near.target} to {self.far.target}"

    @property
    def labels(self) -> dict[str, str]:
        """``near`` and ``far``: the providers of both ends."""
        return {"near": self.near.provider, "far": self.far.provider}

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("TURN servers", "No TURN relay works", "A TURN relay fails")

    @property
    def alert_group(self) -> str:
        return self.near.alert_group


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """What it needs is said by ``fallback``: a primary and another provider."""
    return DerivedChecks()


def derive_from_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """From the first server of the primary to the first of another configured provider."""
    tables = [
        check.table
        for check in checks
        if isinstance(check.table, TurnServerConfig) and ALLOCATION_RESULTS in check.table.triggers
    ]
    near = [table for table in tables if table.provider == PRIMARY]
    far = [table for table in tables if table.provider != PRIMARY and not table.issued]
    if not near or not far:
        return []
    same = [table for table in far if table.family == near[0].family] or far
    return [{"name": f"crossing-{PRIMARY}-{same[0].provider}", "near": near[0], "far": same[0]}]


async def run(table: CrossingTable, record: Recorder, context: Context) -> None:
    """Measure the path. Raises NotMeasured where one of the ends can't be had."""
    near = traffic_of(table.name, context)
    far = traffic_of(f"{table.name}, far end", context)
    try:
        with count_bytes(near):
            await _measure(table, far, record, context)
    finally:
        _write_traffic(table.near.provider, near, record)
        _write_traffic(table.far.provider, far, record)


async def _measure(
    table: CrossingTable, far: ByteCounter, record: Recorder, context: Context
) -> None:
    from probe.stun.browser_timing import PhaseTimeouts
    from probe.turn.relay_path import RelayPath

    credentials, (url,) = await servers_for(table.near, record, context)
    others, (far_url,) = await servers_for(table.far, record, context)
    bounds = PhaseTimeouts.as_browsers(table.deadline)
    path = RelayPath(
        url,
        credentials,
        record,
        context,
        ca_file=table.near.ca_file,
        family=table.near.family,
        bounds=replace(bounds, gathering=min(bounds.gathering, table.deadline / 2)),
        far=(far_url, others, far),
    )
    try:
        quota = min(table.near.user_quota, table.far.user_quota)
        async with allocation_slots([credentials, others], quota, record, context):
            await path.measure(table.echoes)
    except CheckFailed as error:
        if (error.phase or record.current) not in _BEFORE_THE_PATH:
            raise
        failed = far_url if path.measurement.failed is path.measurement.second else url
        named = with_uri(failed, error)
        raise NotMeasured(named.cause, named.message, phase=named.phase) from None
    finally:
        _write(path.measurement, record)


def _write(measurement: "RelayMeasurement", record: Recorder) -> None:
    for signal, value in (
        (RTT, measurement.relay_rtt),
        (LOSS, measurement.loss),
        (OPEN, measurement.relay_open),
    ):
        if value is not None:
            record.sample(signal, value)
    for name, client in (("near", measurement.first), ("far", measurement.second)):
        if client.relayed is not None:
            record.facts[name] = format_hostport(*client.relayed)


def _write_traffic(provider: str, traffic: ByteCounter, record: Recorder) -> None:
    taken = traffic.drain()
    record.sample(RELAYED_BYTES, taken.sent, provider=provider, direction="sent")
    record.sample(RELAYED_BYTES, taken.received, provider=provider, direction="received")


def uses(table: CrossingTable) -> tuple[QuotaUse, ...]:
    """Half of a path's bytes from each provider."""
    return tuple(
        QuotaUse(
            f"turn-{end.provider}", path_bytes(end.client_transport or "udp", table.echoes) / 2
        )
        for end in (table.near, table.far)
    )


KIND = Kind(
    name="crossing",
    summary="packets from the primary's relay to the backup's and back: round trip and loss",
    environment=TurnEnvironment,
    table=CrossingTable,
    derive=derive,
    derive_from_checks=derive_from_checks,
    run=run,
    signals=(RTT, LOSS, OPEN, RELAYED_BYTES),
    failing=FailurePolicy(Verdict.WARNING, hold=120.0),
    cost="one allocation on each provider and 20 echoes, 10 kB a run at each over UDP",
    uses=uses,
    load=lazy_import("probe.turn.relay_path"),
    interval=COSTLY_RELAY_SECONDS,
    retry=60.0,
    plot=RTT,
    runbooks=OF_A_RELAY,
    dashboard="probe-turn",
    components=("TurnCrossing",),
    service="turn",
)
