"""How everything stands, as rows for the status page: the board, the schedule, the history."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from alerts.evaluation.check_state import CheckState, CheckStates
from probe.config.check_plan import CheckPlan
from probe.core.kind import Check
from probe.core.model import Limits, Verdict
from probe.core.thresholds import thresholds_of
from probe.daemon.readiness import longest_seconds
from probe.history import History
from probe.history.model import Availability, StatePeriod, TimeBucket
from probe.report.status import Notice, Overview, StatusRow

DAY_SECONDS = 86400.0
# A quarter of an hour each.
DAY_BUCKETS = 96


@dataclass(frozen=True, slots=True)
class ProbeIdentity:
    """Which probe this is; ``started_at`` in seconds since 1970."""

    region: str
    version: str
    started_at: float


async def build_overview(
    board: CheckStates,
    history: History,
    plan: CheckPlan,
    identity: ProbeIdentity,
    *,
    now: float,
    due: Mapping[str, float],
    notices: Sequence[Notice] = (),
    outdated: Collection[str] = (),
) -> Overview:
    """Put it all together. ``due`` is when each check runs next; all in seconds since 1970.
    ``outdated`` are checks whose results are older than the failure of a neighbour."""
    start = now - DAY_SECONDS
    day = await history.day(start, now, DAY_BUCKETS)
    longest = {check.name: longest_seconds(check) for check in board.checks}
    available = await history.availability(start, now, longest)
    incidents = await history.troubles(start, now)
    return Overview(
        verdict=board.verdict,
        now=now,
        started_at=identity.started_at,
        day_start=start,
        region=identity.region,
        version=identity.version,
        rows=tuple(
            _row(
                check,
                board.state(check.name),
                due.get(check.name),
                day.get(check.name, ()),
                incidents.get(check.name, ()),
                available.get(check.name),
                outdated=check.name in outdated,
            )
            for check in board.checks
        ),
        notices=(*_history_notices(history), *notices),
        skipped=tuple((skip.kind, skip.reason) for skip in plan.skipped),
    )


def _row(
    check: Check,
    stand: CheckState | None,
    due: float | None,
    day: tuple[TimeBucket, ...],
    incidents: tuple[StatePeriod, ...],
    availability: Availability | None,
    *,
    outdated: bool,
) -> StatusRow:
    result = stand.result if stand else None
    return StatusRow(
        name=check.name,
        kind=check.kind.name,
        target=check.table.target,
        labels=check.table.labels,
        interval=check.interval,
        verdict=stand.verdict if stand else None,
        since=stand.since if stand else None,
        last_run=result.started_at.timestamp() if result else None,
        outdated=outdated,
        due=due,
        status=result.status if result else None,
        duration=result.duration if result else None,
        phases=result.phases if result else None,
        samples=result.samples if result else (),
        failure=result.failure if result else None,
        facts=result.facts if result else None,
        headline=tuple(signal for signal in check.signals if signal.column),
        evaluations=stand.evaluations if stand else (),
        day=day,
        availability=availability,
        troubles=incidents,
        plot=check.kind.plot,
        limits=_limits(check),
    )


def _limits(check: Check) -> Limits | None:
    found = [each.limits for each in thresholds_of(check) if each.signal == check.kind.plot]
    return found[0] if found else None


def _history_notices(history: History) -> list[Notice]:
    problem = history.state.problem
    return [Notice(Verdict.WARNING, "History is degraded", problem)] if problem else []
