"""Rows of the board as documents of the API."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from probe.core.model import Verdict
from probe.history.incidents.model import (
    Annotation,
    Announcement,
    Incident,
    IncidentAlert,
    Note,
    Notification,
)
from probe.history.uptime.model import WINDOWS, Uptime, UptimeReport
from probe.report.board import ProviderRow, ServiceRow, StatusBoard
from probe.report.text.phrases import without_objectives
from probe.report.timeline import timeline
from probe.web.api import incident_schemas, schemas

WINDOW_NAMES = dict(zip(("24h", "7d", "30d", "90d"), WINDOWS, strict=True))


def moment(seconds: float) -> datetime:
    """A time in UTC, to the millisecond; one that no calendar has is the last that it has."""
    try:
        return datetime.fromtimestamp(round(seconds, 3), UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.max.replace(tzinfo=UTC) if seconds > 0 else datetime.min.replace(tzinfo=UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """The same of what may not be known."""
    return None if seconds is None or not math.isfinite(seconds) else moment(seconds)


def verdict(found: Verdict | None) -> str | None:
    """A verdict as it is shown: a missed objective is ok."""
    return None if found is None else without_objectives(found).value


def uptime(report: UptimeReport) -> schemas.UptimeModel:
    """Uptime against its objective."""
    return schemas.UptimeModel(
        objective=report.objective,
        windows=[
            _window(name, each, report.objective)
            for name, each in zip(WINDOW_NAMES, report.windows, strict=False)
        ],
        days=[
            _window(f"{moment(each.start):%Y-%m-%d}", each, report.objective)
            for each in report.days
        ],
    )


def service(row: ServiceRow) -> schemas.ServiceModel:
    """One service."""
    return schemas.ServiceModel(
        name=row.name,
        title=row.title,
        verdict=verdict(row.verdict),
        since=moment_or_none(row.since),
        checks=list(row.checks),
        providers=[_provider(each) for each in row.providers],
        uptime=uptime(row.uptime),
    )


def status(board: StatusBoard) -> schemas.StatusModel:
    """The state of everything."""
    overview = board.overview
    counts: dict[str, int] = {}
    for row in overview.rows:
        name = verdict(row.verdict) or "not_run"
        counts[name] = counts.get(name, 0) + 1
    return schemas.StatusModel(
        verdict=without_objectives(overview.verdict).value,
        generated_at=moment(overview.now),
        started_at=moment(overview.started_at),
        region=overview.region,
        version=overview.version,
        services=[service(each) for each in board.services],
        incidents=[incident(each, overview.now) for each in board.open],
        announcements=[announcement(each) for each in board.announcements],
        checks=counts,
    )


def incident(found: Incident, now: float) -> incident_schemas.IncidentModel:
    """One incident in a list."""
    return incident_schemas.IncidentModel(**_incident(found, now))


def incident_detail(found: Incident, now: float) -> incident_schemas.IncidentDetailModel:
    """One incident with all that is known of it."""
    return incident_schemas.IncidentDetailModel(
        **_incident(found, now),
        alerts=[_alert(each) for each in found.alerts],
        notifications=[_notification(each) for each in found.notifications],
        acknowledgements=[
            incident_schemas.AcknowledgementModel(
                time=moment(each.at), author=each.author, comment=each.comment
            )
            for each in found.acknowledgements
        ],
        notes=[note(each) for each in found.notes],
        annotations=[annotation(each) for each in found.annotations],
        timeline=[
            incident_schemas.TimelineModel(time=moment(each.at), kind=each.kind, text=each.text)
            for each in timeline(found)
        ],
    )


def note(found: Note) -> incident_schemas.NoteModel:
    """A note."""
    return incident_schemas.NoteModel(
        id=found.id,
        time=moment(found.at),
        author=found.author,
        text=found.text,
        public=found.public,
    )


def annotation(found: Annotation) -> incident_schemas.AnnotationModel:
    """An annotation, also as Grafana has them."""
    return incident_schemas.AnnotationModel(
        id=found.id,
        time=moment(found.at),
        time_ms=round(found.at * 1000),
        end=moment_or_none(found.until),
        time_end_ms=None if found.until is None else round(found.until * 1000),
        kind=found.kind,
        text=found.text,
        link=found.link,
        commit=found.commit,
        author=found.author,
        source=found.source,
        tags=list(dict.fromkeys((found.kind, *found.tags))),
    )


def announcement(found: Announcement) -> incident_schemas.AnnouncementModel:
    """An announcement."""
    return incident_schemas.AnnouncementModel(
        id=found.id,
        kind=found.kind,
        title=found.title,
        text=found.text,
        start=moment(found.start),
        end=moment_or_none(found.end),
        services=list(found.services),
        author=found.author,
    )


def _window(name: str, found: Uptime, objective: float) -> schemas.UptimeWindowModel:
    return schemas.UptimeWindowModel(
        window=name,
        start=moment(found.start),
        end=moment(found.end),
        ratio=found.ratio,
        up_seconds=round(found.up, 3),
        degraded_seconds=round(found.degraded, 3),
        down_seconds=round(found.down, 3),
        unknown_seconds=round(found.unknown, 3),
        gap_seconds=round(found.gap, 3),
        budget_left_ratio=found.budget_left(objective),
    )


def _provider(row: ProviderRow) -> schemas.ProviderModel:
    return schemas.ProviderModel(
        name=row.name,
        verdict=verdict(row.verdict),
        since=moment_or_none(row.since),
        checks=list(row.checks),
        transports=[
            schemas.TransportModel(
                transport=each.transport, verdict=verdict(each.verdict), checks=list(each.checks)
            )
            for each in row.transports
        ],
        uptime=uptime(row.uptime),
    )


def _incident(found: Incident, now: float) -> Mapping[str, object]:
    return {
        "id": found.id,
        "title": found.title,
        "state": "open" if found.is_open else "resolved",
        "severity": found.severity.value,
        "cause": found.cause,
        "since": moment(found.since),
        "opened": moment(found.opened),
        "ended": moment_or_none(found.ended),
        "duration_seconds": round(found.duration(now), 3),
        "services": list(found.services),
        "checks": list(found.checks),
        "region": found.region,
        "suppressed": list(found.suppressed),
        "adopted": found.adopted,
        "acknowledged": bool(found.acknowledgements),
    }


def _alert(found: IncidentAlert) -> incident_schemas.AlertModel:
    return incident_schemas.AlertModel(
        name=found.name,
        check=found.check,
        rule=found.rule,
        severity=found.severity.value,
        since=moment(found.since),
        fired=moment(found.fired),
        ended=moment_or_none(found.ended),
        summary=found.summary,
        kind=found.kind,
        target=found.target,
        region=found.region,
        labels=dict(found.labels),
        phase=found.phase,
        cause=found.cause,
        hint=found.hint,
        value=found.value,
        limit=found.limit,
        trend=found.trend,
        runbook=found.runbook,
        service=found.service,
        closed=found.closed,
    )


def _notification(found: Notification) -> incident_schemas.NotificationModel:
    return incident_schemas.NotificationModel(
        receiver=found.receiver,
        occasion=found.occasion,
        time=moment(found.at),
        title=found.title,
        status=found.status.value,
        settled=moment_or_none(found.settled),
        error=found.error,
    )
