"""The board: incidents, services, uptime and announcements next to the overview."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from alerts.silence.maintenance_window import Window, active, upcoming
from alerts.silence.matcher import is_everything, matched_checks
from alerts.silence.window_table import WindowTable
from probe.core.kind import Check
from probe.core.model import Unit, Verdict
from probe.daemon.parts import DaemonState
from probe.daemon.serving.status_overview import DayFigures, day_figures
from probe.history import History
from probe.history.incidents.model import Announcement, Incident, IncidentSeverity
from probe.history.incidents.store import IncidentHistory
from probe.history.uptime.model import (
    DAY_SECONDS,
    WINDOWS,
    Subject,
    SubjectKind,
    Uptime,
    UptimeReport,
)
from probe.history.uptime.totals import Key
from probe.report.board import ProviderRow, ServiceRow, StatusBoard, TransportRow
from probe.report.services import Service, ServiceProvider, service_of, services_of
from probe.report.status import Overview, StatusRow

RECENT_SECONDS = 90 * DAY_SECONDS
ANNOTATION_SECONDS = 7 * DAY_SECONDS
MAINTENANCE_TITLE = "Planned maintenance"

Windows = Mapping[Key, tuple[Uptime, ...]]


def subjects_of(checks: Iterable[Check]) -> tuple[Subject, ...]:
    """The groups of checks that have an uptime: services, and providers of TURN."""
    found = []
    for service in services_of(checks):
        found.append(Subject(SubjectKind.SERVICE, service.name, _names(service.checks)))
        found += [
            Subject(SubjectKind.PROVIDER, provider.name, _names(provider.checks))
            for provider in service.providers
        ]
    return tuple(found)


class UptimeFigures(Struct, frozen=True):
    """Uptime in all windows of every subject, and by day of the groups."""

    windows: Windows
    days: Windows


class PastFigures(Struct, frozen=True):
    """What pages show of the past, from one look at history."""

    day: DayFigures
    uptime: UptimeFigures


async def past_figures(history: History, checks: Sequence[Check], now: float) -> PastFigures:
    """Until ``now``, in seconds since 1970."""
    windows = await history.uptime(now)
    days = await history.uptime_days(subjects_of(checks), now)
    day = await day_figures(history, windows, now)
    return PastFigures(day, UptimeFigures(windows, days))


async def load_figures(state: DaemonState, now: Callable[[], float]) -> None:
    """Load the last day once the first round is over: the first page need not wait for it."""
    await state.first_round.wait()
    if state.history is not None:
        await state.history.prepare_recent(now())


async def build_board(
    overview: Overview,
    checks: Sequence[Check],
    history: History,
    windows: Sequence[WindowTable],
    figures: UptimeFigures,
) -> StatusBoard:
    """Everything about the present and the last 90 days."""
    now = overview.now
    incidents = IncidentHistory(history)
    uptime, days = figures.windows, figures.days
    found = await incidents.list(now - RECENT_SECONDS, now + DAY_SECONDS)
    rows = {row.name: row for row in overview.rows}
    return StatusBoard(
        overview=overview,
        open=tuple(sorted((each for each in found if each.is_open), key=_urgency)),
        recent=tuple(each for each in found if not each.is_open),
        services=tuple(
            _service(service, rows, uptime, days, now) for service in services_of(checks)
        ),
        uptime={
            check.name: uptime_report(
                Subject(SubjectKind.CHECK, check.name), check.kind.availability, uptime, now
            )
            for check in checks
        },
        announcements=(
            *(
                maintenance_of(each, checks)
                for each in (*active(windows, now), *upcoming(windows, now))
            ),
            *(await incidents.announcements(now)),
        ),
        annotations=tuple(await incidents.annotations(now - ANNOTATION_SECONDS, now + DAY_SECONDS)),
    )


def maintenance_of(window: Window, checks: Sequence[Check]) -> Announcement:
    """A maintenance window as it is announced: the reason is not for the public."""
    about = dict.fromkeys(
        service_of(check)
        for check in checks
        if check.name in matched_checks(window.matches, checks)
    )
    return Announcement(
        id=f"maintenance-{window.name}-{window.start:.0f}",
        kind="maintenance",
        title=MAINTENANCE_TITLE,
        text=window.announcement,
        start=window.start,
        end=window.end,
        services=() if is_everything(window.matches) else tuple(about),
        window=window.name,
    )


def uptime_report(
    subject: Subject,
    objective: float,
    found: Windows,
    now: float,
    days: Windows | None = None,
) -> UptimeReport:
    """The uptime of one subject; one without any result is all gap."""
    key = (subject.kind, subject.name)
    none = tuple(Uptime(now - length, now) for length in WINDOWS)
    bar = days.get(key, ()) if days is not None else ()
    return UptimeReport(subject, objective, found.get(key, none), bar)


def _service(
    service: Service, rows: Mapping[str, StatusRow], found: Windows, days: Windows, now: float
) -> ServiceRow:
    subject = Subject(SubjectKind.SERVICE, service.name, _names(service.checks))
    verdict, since = _worst(service.checks, rows)
    return ServiceRow(
        name=service.name,
        title=service.title,
        verdict=verdict,
        since=since,
        checks=_names(service.checks),
        uptime=uptime_report(subject, service.objective, found, now, days),
        providers=tuple(
            _provider(each, service.objective, rows, found, days, now) for each in service.providers
        ),
        median=_median(service.checks[0], rows),
    )


def _provider(
    provider: ServiceProvider,
    objective: float,
    rows: Mapping[str, StatusRow],
    found: Windows,
    days: Windows,
    now: float,
) -> ProviderRow:
    subject = Subject(SubjectKind.PROVIDER, provider.name, _names(provider.checks))
    verdict, since = _worst(provider.checks, rows)
    return ProviderRow(
        name=provider.name,
        verdict=verdict,
        since=since,
        checks=_names(provider.checks),
        transports=tuple(
            TransportRow(name, _worst(checks, rows)[0], _names(checks))
            for name, checks in provider.transports.items()
        ),
        uptime=uptime_report(subject, objective, found, now, days),
    )


def _worst(
    checks: Iterable[Check], rows: Mapping[str, StatusRow]
) -> tuple[Verdict | None, float | None]:
    """The worst verdict, and since when the first of those that have it has had it."""
    known = [rows[check.name] for check in checks if check.name in rows]
    verdicts = [row.verdict for row in known if row.verdict is not None]
    worst = max(verdicts, key=lambda verdict: verdict.rank, default=None)
    times = [row.since for row in known if row.verdict is worst and row.since is not None]
    return worst, min(times, default=None) if worst is not None else None


def _median(check: Check, rows: Mapping[str, StatusRow]) -> float | None:
    """Of the medians of a day's buckets, the one in the middle."""
    row = rows.get(check.name)
    if row is None or row.plot is None or row.plot.unit is not Unit.SECONDS:
        return None
    values = sorted(bucket.median for bucket in row.day if bucket.median is not None)
    return values[len(values) // 2] if values else None


def _names(checks: Iterable[Check]) -> tuple[str, ...]:
    return tuple(check.name for check in checks)


def _urgency(incident: Incident) -> tuple[bool, float]:
    return incident.severity is not IncidentSeverity.CRITICAL, incident.since
