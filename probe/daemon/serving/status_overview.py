"""Rows for the status page, from check states, schedule and history."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from alerts.evaluation.check_state import CheckState, CheckStates
from probe.config.check_plan import CheckPlan
from probe.core.kind import Check
from probe.core.model import Limits, Verdict
from probe.core.thresholds import thresholds_of
from probe.history import History
from probe.history.live.day import DayBuckets
from probe.history.model import StatePeriod, TimeBucket
from probe.history.uptime.model import DAY_SECONDS, SubjectKind, Uptime
from probe.history.uptime.totals import Key
from probe.report.status import Notice, Overview, StatusRow


class ProbeIdentity(Struct, frozen=True):
    """Which probe this is; ``started_at`` in seconds since 1970."""

    region: str
    version: str
    started_at: float


class DayFigures(Struct, frozen=True):
    """The last 24 hours by check: quarters of an hour, and for how long it passed."""

    day: DayBuckets
    availability: Mapping[str, Uptime]
    periods: Mapping[str, tuple[StatePeriod, ...]]


async def day_figures(
    history: History, windows: Mapping[Key, tuple[Uptime, ...]], now: float
) -> DayFigures:
    """The last 24 hours; ``windows`` are the uptime until ``now``, in seconds since 1970."""
    return DayFigures(
        await history.recent_day(now),
        {
            name: day
            for (kind, name), (day, *_) in windows.items()
            if kind is SubjectKind.CHECK and day.measured + day.unknown > 0
        },
        await history.unhealthy_periods(now - DAY_SECONDS, now),
    )


def build_overview(
    states: CheckStates,
    history: History,
    plan: CheckPlan,
    identity: ProbeIdentity,
    day: DayFigures,
    *,
    now: float,
    due: Mapping[str, float],
    notices: Sequence[Notice] = (),
    outdated: Collection[str] = (),
) -> Overview:
    """``due`` is when each check runs next; times are in seconds since 1970. ``outdated`` are
    checks whose results are older than the failure of a check that triggers them."""
    return Overview(
        # Targets may be discovered later: until then nothing is known to be ok.
        verdict=states.verdict if states.checks else Verdict.UNKNOWN,
        now=now,
        started_at=identity.started_at,
        day_start=day.day.start,
        day_end=day.day.end,
        region=identity.region,
        version=identity.version,
        rows=tuple(
            _row(
                check,
                states.state(check.name),
                due.get(check.name),
                day.day.buckets.get(check.name, ()),
                day.periods.get(check.name, ()),
                day.availability.get(check.name),
                outdated=check.name in outdated,
            )
            for check in states.checks
        ),
        notices=(*_history_notices(history), *notices),
        skipped=tuple((skip.kind, skip.reason) for skip in plan.skipped),
    )


def _row(
    check: Check,
    state: CheckState | None,
    due: float | None,
    day: tuple[TimeBucket, ...],
    incidents: tuple[StatePeriod, ...],
    availability: Uptime | None,
    *,
    outdated: bool,
) -> StatusRow:
    result = state.result if state else None
    return StatusRow(
        name=check.name,
        kind=check.kind.name,
        target=check.table.target,
        labels=check.table.labels,
        interval=check.interval,
        verdict=state.verdict if state else None,
        since=state.since if state else None,
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
        evaluations=state.evaluations if state else (),
        day=day,
        availability=availability,
        incidents=incidents,
        plot=check.kind.plot,
        limits=_limits(check),
    )


def _limits(check: Check) -> Limits | None:
    found = [each.limits for each in thresholds_of(check) if each.signal == check.kind.plot]
    return found[0] if found else None


def _history_notices(history: History) -> list[Notice]:
    problem = history.state.problem
    return [Notice(Verdict.WARNING, "History is degraded", problem)] if problem else []
