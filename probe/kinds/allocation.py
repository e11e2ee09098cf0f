"""``allocation``: does each TURN server allocate, by each transport? A cheap check.

One allocation and its deletion, about 1 kB over UDP: often enough to see a dead server
within two minutes. What relaying is like is measured by ``turn`` and ``call``, which cost
twenty times as much and run as often as the providers' plans allow; they run at once when
an allocation check fails or recovers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from probe.core.context import Context
from probe.core.field_types import Seconds
from probe.core.kind import DerivedChecks, Kind, QuotaUse, lazy_import
from probe.core.model import CheckFailed, FailurePolicy, Verdict
from probe.core.recorder import Recorder
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.environment import TurnEnvironment
from probe.turn_targets.last_allocations import allocation_results_of
from probe.turn_targets.matrix import turn_checks
from probe.turn_targets.runbooks import OF_AN_ALLOCATION
from probe.turn_targets.server_list import counting_traffic, servers_for, with_uri
from probe.turn_targets.signals import (
    ALLOCATE,
    ALLOCATION_SIGNALS,
    ALLOCATION_THRESHOLDS,
    BYTES,
    UNAUTHENTICATED,
    write_allocation,
)
from probe.turn_targets.table import ALLOCATION_RESULTS, TurnServerConfig
from probe.turn_targets.traffic_budget import (
    ALLOCATION_SECONDS,
    allocation_bytes,
    allocation_intervals,
)

if TYPE_CHECKING:
    from probe.turn.client import TurnClient

# Of what is left of the deadline: for naming who is silent; and of that, for the URL that
# a browser takes first.
_SHARE, _FIRST_SHARE = 0.9, 0.5


class AllocationTable(TurnServerConfig):
    """One server by one transport, or what the backend issues."""

    deadline: Seconds = Field(default=20.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `20`"""

    @property
    def redundancy_group(self) -> str:
        """Configured servers back each other up; issued ones are a group of their own."""
        return "allocation-issued" if self.issued else "allocation"

    @property
    def backup_groups(self) -> frozenset[str]:
        """Issued servers that work carry users while a configured one fails, not the other
        way round."""
        return frozenset() if self.issued else frozenset({"allocation", "allocation-issued"})

    @property
    def triggers(self) -> frozenset[str]:
        """Other allocation checks, so that "no URL of any provider works" is known
        at once, and what measures this server more closely."""
        return frozenset({ALLOCATION_RESULTS, self.place})

    @property
    def triggered_by(self) -> frozenset[str]:
        """Allocation checks alone: full measurements keep their own interval."""
        return frozenset({ALLOCATION_RESULTS})


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """One check for each server by each transport, and one for what the backend issues."""
    return turn_checks(KIND.name, environment, allocation_intervals)


async def run(table: AllocationTable, record: Recorder, context: Context) -> None:
    """Allocate on one server; of those that the backend issues, on the first that allows it."""
    from probe.stun.browser_timing import allocation_timeout

    started = context.clock()
    with (
        allocation_results_of(context).recording(table.name, record, table.place),
        counting_traffic(table, record, context),
    ):
        credentials, urls = await servers_for(table, record, context)
        left = _SHARE * (table.deadline - (context.clock() - started))
        async with allocation_slots([credentials], table.user_quota, record, context):
            if table.issued:
                await _first_that_works(urls, credentials, table, record, context, left)
            else:
                limit = allocation_timeout(table.deadline)
                await _check_list(urls[0], credentials, table, limit, record, context)


async def _check_list(
    url: TurnUri,
    credentials: TurnCredentials | None,
    table: AllocationTable,
    limit: float,
    record: Recorder,
    context: Context,
) -> None:
    from probe.turn.allocation import allocate_and_delete

    def found(client: "TurnClient") -> None:
        _write(client, record, context.now())

    await allocate_and_delete(
        url,
        credentials,
        context,
        ca_file=table.ca_file,
        family=table.family,
        phases=record.phase,
        found=found,
        limit=limit,
    )


def _write(client: "TurnClient", record: Recorder, now: float) -> None:
    """Also what a failure has cut short is worth keeping."""
    for signal, seconds in (
        (ALLOCATE, client.allocate_seconds),
        (UNAUTHENTICATED, client.unauthenticated),
    ):
        if seconds is not None:
            record.sample(signal, seconds)
    write_allocation(client, record, now)


async def _first_that_works(
    urls: Sequence[TurnUri],
    credentials: TurnCredentials | None,
    table: AllocationTable,
    record: Recorder,
    context: Context,
    left: float,
) -> None:
    """As a browser, which has a relay as long as one URL allocates; each has a share of the
    seconds that are ``left``. Raises the first one's CheckFailed where none does."""
    failure: CheckFailed | None = None
    for number, url in enumerate(urls):
        share = _FIRST_SHARE if number == 0 else (1 - _FIRST_SHARE) / (len(urls) - 1)
        limit = left * (share if len(urls) > 1 else 1.0)
        try:
            await _check_list(url, credentials, table, limit, record, context)
        except CheckFailed as found:
            found.phase = found.phase or record.current
            failure = failure or with_uri(url, found)
        else:
            return
    if failure is not None:
        raise failure


def uses(table: AllocationTable) -> tuple[QuotaUse, ...]:
    """The provider's bytes; what is issued is mostly looked at by UDP alone."""
    return (QuotaUse(f"turn-{table.provider}", allocation_bytes(table.client_transport or "udp")),)


KIND = Kind(
    name="allocation",
    summary="one allocation on each TURN server and its deletion, by URL and transport",
    environment=TurnEnvironment,
    table=AllocationTable,
    derive=derive,
    run=run,
    signals=(ALLOCATE, UNAUTHENTICATED, *ALLOCATION_SIGNALS, BYTES),
    thresholds=ALLOCATION_THRESHOLDS,
    failing=FailurePolicy(
        severity=Verdict.CRITICAL, severity_with_backup=Verdict.WARNING, hold=120.0
    ),
    core=True,
    cost="one allocation, 1 kB a run over UDP and 8 kB over TLS",
    uses=uses,
    load=lazy_import("probe.turn.relay_path"),
    interval=ALLOCATION_SECONDS,
    retry=30.0,
    plot=ALLOCATE,
    runbooks=OF_AN_ALLOCATION,
    dashboard="probe-turn",
    components=("TurnAllocation",),
    details=frozenset(
        {
            "probe_ssl_certificate_remaining_seconds",
            "probe_turn_unauthenticated_seconds",
        }
    ),
    service="turn",
)
