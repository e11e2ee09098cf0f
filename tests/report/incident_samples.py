"""Incidents, open and over, and their alerts."""

from collections.abc import Sequence

from msgspec.structs import replace

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Note,
    Notification,
    NotificationStatus,
)
from probe.report.status import StatusRow
from tests.report import status_samples as samples
from tests.report.html.status_days import ago

CRITICAL, WARNING = IncidentSeverity.CRITICAL, IncidentSeverity.WARNING


def alert(row: StatusRow, summary: str, phase: str, cause: str, **more: str) -> IncidentAlert:
    """A critical alert about a failure that lasts."""
    return IncidentAlert(
        name=f"{row.name}/failing",
        check=row.name,
        rule="failing",
        severity=CRITICAL,
        since=ago(24),
        fired=ago(23.5),
        summary=summary,
        kind=row.kind,
        target=row.target,
        phase=phase,
        cause=cause,
        hint="Check that the named service is up.",
        runbook=more.get("runbook", "any-check"),
        service=more.get("service", ""),
        loss=more.get("loss", ""),
    )


def incident(title: str, alerts: Sequence[IncidentAlert], **more: object) -> Incident:
    """An open incident that was sent to Slack and PagerDuty and acknowledged."""
    found = Incident(
        id="20260101-0312-paircam-live",
        key="paircam.live",
        title=title,
        severity=alerts[0].severity,
        since=min(each.since for each in alerts),
        opened=min(each.fired for each in alerts),
        alerts=tuple(alerts),
        region="lax",
        notifications=(
            Notification(
                "slack", "firing", ago(23.4), title, NotificationStatus.DELIVERED, ago(23.3)
            ),
            Notification(
                "pagerduty", "firing", ago(23.4), title, NotificationStatus.DELIVERED, ago(23.2)
            ),
        ),
        acknowledgements=(Acknowledgement(ago(18), "Ana", "on it"),),
        notes=(Note("1", ago(12), "Ana", "Upstash shows **no free connections**.", public=True),),
        annotations=(Annotation("a", ago(31), "backend 1.4.2", commit="4f2a91c"),),
    )
    return replace(found, **more)


def past() -> tuple[Incident, ...]:
    """Two incidents that are over."""
    row = samples.health()
    first = replace(
        alert(row, "503 Service Unavailable", "status", "http_status", loss="The backend is down"),
        since=ago(400),
        fired=ago(399),
        ended=ago(385),
    )
    second = replace(
        first, check="turn-primary-tcp", severity=WARNING, since=ago(9000), ended=ago(8700)
    )
    return (
        incident(
            "The backend is down: 503 Service Unavailable",
            [first],
            id="20251231-2056",
            ended=ago(385),
        ),
        incident("A TURN relay fails: no answer", [second], id="20251225-2100", ended=ago(8700)),
    )
