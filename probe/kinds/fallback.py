"""``fallback``: are users on the backup? Concluded from the allocation checks of all TURN servers.

The backup is in use when every primary URL fails while a backup's works. Nothing
is sent for it: it reads the results of ``allocation``.

``source`` says who has seen it: ``probe`` is this process. The share of calls that had to
be relayed (``probe_turn_fallback_ratio``) has no such source: with both ends of a call on
one host the direct way always works, so the probe's own calls say nothing of it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.field_types import Seconds
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind, lazy_import
from probe.core.model import (
    FailurePolicy,
    Impact,
    Limits,
    NotMeasured,
    Signal,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.turn_targets.environment import ISSUER_FIELDS, PRIMARY, TurnEnvironment
from probe.turn_targets.last_allocations import allocation_results_of
from probe.turn_targets.table import ALLOCATION_RESULTS, TurnServerConfig
from probe.turn_targets.traffic_budget import ALLOCATION_SECONDS

BACKUP_IN_USE = Signal(
    "probe_turn_backup_in_use",
    Unit.BOOLEAN,
    "Whether every primary TURN URL fails while a backup's works.",
    labels=("source",),
    column="backup in use",
    display_name="backup TURN provider in use",
    breach="every primary TURN server fails: users depend on the backup",
)
SOURCE = "probe"

# Share of the deadline to wait for running checks; intervals after which a result is stale.
_WAIT_SHARE = 0.9
_STALE_INTERVALS = 3


class FallbackTable(CheckConfig):
    """The allocation checks of primary and backup servers, by name. Both are derived.

    ``fresh`` is how many seconds a result counts.
    """

    deadline: Seconds = Field(default=25.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `25`"""
    primary: tuple[str, ...] = ()
    """Names of the `allocation` checks of the primary provider; derived. Example:
    `["allocation-primary-udp"]`"""
    backup: tuple[str, ...] = ()
    """Names of the `allocation` checks of the backup; derived. Example: `["allocation-backup-udp"]`
    """
    fresh: Seconds = Field(default=_STALE_INTERVALS * ALLOCATION_SECONDS, gt=0)
    """How long the result of an allocation check counts. Example: `300`"""

    @property
    def target(self) -> str:
        return "all TURN providers"

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact("TURN servers", "No TURN relay works", "The primary TURN server fails")

    @property
    def alert_group(self) -> str:
        return f"TURN {PRIMARY}"

    @property
    def triggered_by(self) -> frozenset[str]:
        """Every allocation check that begins to fail, or recovers."""
        return frozenset({ALLOCATION_RESULTS})


def derive(environment: TurnEnvironment) -> DerivedChecks:
    """Without a primary and a backup there is nothing to fall back from or to."""
    if not (environment.turn_urls or environment.turn_host):
        return DerivedChecks(skipped=("TURN_URLS is not set: nothing to fall back from",))
    names_backup = environment.turn_backup_urls or environment.metered_api_key
    if not (names_backup or any(environment.issuer_keys(name) for name in ISSUER_FIELDS)):
        reason = "TURN_BACKUP_URLS and METERED_API_KEY are not set: nothing to fall back to"
        return DerivedChecks(skipped=(reason,))
    return DerivedChecks()


def derive_from_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """One check, where a primary and another configured provider have allocation checks."""
    tables: dict[str, TurnServerConfig] = {}
    intervals = []
    for check in checks:
        table = check.table
        if isinstance(table, TurnServerConfig) and ALLOCATION_RESULTS in table.triggers:
            tables[check.name] = table
            intervals.append(check.interval)
    primary = [name for name, table in tables.items() if table.provider == PRIMARY]
    backup = [
        name for name, table in tables.items() if table.provider != PRIMARY and not table.issued
    ]
    if not primary or not backup:
        return []
    fresh = _STALE_INTERVALS * max(intervals)
    return [{"name": "fallback", "primary": primary, "backup": backup, "fresh": fresh}]


async def run(table: FallbackTable, record: Recorder, context: Context) -> None:
    """Conclude, as soon as no allocation check is running. Raises NotMeasured where their
    results don't say enough."""
    results = allocation_results_of(context)
    with record.phase("looks"):
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_SHARE * table.deadline):
                names = (*table.primary, *table.backup)
                if not context.repeats:
                    # Of one run alone the allocations may not have begun yet.
                    await results.all_ended(names)
                await results.idle(names)

        def found(names: Iterable[str]) -> list[bool | None]:
            return [results.is_up(name, newer_than=table.fresh) for name in names]

        in_use = backup_in_use(found(table.primary), found(table.backup))
    if in_use is None:
        message = "some TURN servers have no result yet, and the others don't settle it"
        hint = "Wait for the allocation checks, or see why they could not be measured."
        raise NotMeasured(Cause.NO_DATA, message, phase="looks", hint=hint)
    record.sample(BACKUP_IN_USE, in_use, source=SOURCE)


def backup_in_use(primary: Sequence[bool | None], backup: Sequence[bool | None]) -> bool | None:
    """Whether the backup is in use, from what works (None: unknown); None where what is
    unknown could change the answer."""
    if any(primary):
        return False
    if all(works is False for works in backup):
        return False
    if all(works is False for works in primary) and any(backup):
        return True
    return None


KIND = Kind(
    name="fallback",
    summary="whether users are on the backup TURN provider, concluded from the allocation checks",
    environment=TurnEnvironment,
    table=FallbackTable,
    derive=derive,
    derive_from_checks=derive_from_checks,
    run=run,
    signals=(BACKUP_IN_USE,),
    thresholds=(Threshold(BACKUP_IN_USE, Limits(warning=0.0)),),
    failing=FailurePolicy(Verdict.WARNING, hold=120.0),
    cost="nothing: it reads results of other checks",
    load=lazy_import(),
    interval=ALLOCATION_SECONDS,
    retry=30.0,
    plot=BACKUP_IN_USE,
    runbooks=Runbooks("turn-failing", "turn-failing"),
    dashboard="probe-turn",
    components=("TurnFallback",),
    service="turn",
)
