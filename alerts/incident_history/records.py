"""Alerts and messages as records of an incident; pure."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model import Alert, Delivery, Fingerprint, Severity
from alerts.notification.message import AlertGroup, most_severe_first, name_of
from alerts.notification.title import firing_title, loss_of
from probe.history.incidents.model import (
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Notification,
    NotificationStatus,
)

# Of one incident; the others are in the results.
MAX_ALERTS, MAX_AFFECTED = 100, 200
_RANK = {IncidentSeverity.WARNING: 0, IncidentSeverity.CRITICAL: 1}


def incident_id(key: str, opened: float) -> str:
    """The id of an incident that opens now: its time, and what distinguishes it."""
    moment = datetime.fromtimestamp(max(opened, 0.0), UTC)
    digest = hashlib.sha256(f"{key}\n{opened!r}".encode("utf-8", "replace")).hexdigest()
    return f"{moment:%Y%m%d-%H%M%S}-{digest[:6]}"


def begun(name: str, group: AlertGroup, region: str, now: float, *, adopted: bool) -> Incident:
    """An incident that opens with the firing alerts of a group."""
    alerts = (*group.firing, *group.suppressed)
    empty = Incident(
        id=name,
        key=group.subject,
        title="",
        severity=IncidentSeverity.WARNING,
        since=min(alert.since for alert in alerts),
        opened=min(now, *(alert.fired for alert in alerts)),
        region=region,
        adopted=adopted,
    )
    return continued(empty, group, ())


def continued(known: Incident, group: AlertGroup, suppressed: Iterable[str]) -> Incident:
    """An incident with what its group shows now: alerts that are new, changed or resolved."""
    firing = (*group.firing, *group.suppressed)
    alerts = {each.name: each for each in known.alerts}
    for alert in (*group.over, *firing):
        before = alerts.get(name_of(alert))
        if before is None and len(alerts) >= MAX_ALERTS:
            continue
        found = record_of(alert)
        if before is not None:
            found = replace(found, since=min(found.since, before.since))
        alerts[found.name] = found
    kept = tuple(alerts.values())[:MAX_ALERTS]
    severity = max((known.severity, *(each.severity for each in kept)), key=_RANK.__getitem__)
    is_worse = severity is not known.severity or len(kept) > len(known.alerts)
    # A check that was pending may have fired since.
    alerting = {each.check for each in kept}
    others = dict.fromkeys((*known.affected, *group.affected))
    affected = tuple(name for name in others if name not in alerting)[:MAX_AFFECTED]
    return replace(
        known,
        title=_title(firing, group) if firing and (is_worse or not known.title) else known.title,
        severity=severity,
        since=min((known.since, *(each.since for each in kept))),
        ended=None if firing else known.ended,
        alerts=kept,
        affected=affected,
        suppressed=tuple(dict.fromkeys((*known.suppressed, *suppressed))),
    )


def over(known: Incident, group: AlertGroup | None, now: float) -> Incident:
    """An incident of which nothing fires any more: it ended when the last alert did."""
    updated = known if group is None else continued(known, group, ())
    ends = [each.ended for each in updated.alerts if each.ended is not None]
    ended = max(ends, default=now) if updated.ended is None else updated.ended
    alerts = tuple(
        each if each.ended is not None else replace(each, ended=ended) for each in updated.alerts
    )
    return replace(updated, ended=max(ended, updated.since), alerts=alerts)


def record_of(alert: Alert) -> IncidentAlert:
    """An alert as it is kept."""
    return IncidentAlert(
        name=name_of(alert),
        check=alert.identity.check,
        rule=alert.identity.rule,
        severity=IncidentSeverity(alert.severity.value),
        since=alert.since,
        fired=alert.fired,
        summary=alert.summary,
        kind=alert.kind,
        target=alert.target,
        region=alert.region,
        labels=(*alert.labels, *alert.identity.labels),
        ended=alert.ended,
        phase=alert.phase,
        cause=alert.cause,
        hint=alert.hint,
        value=alert.value,
        limit=alert.limit,
        trend=alert.trend,
        runbook=alert.runbook,
        service=alert.service,
        loss=loss_of(alert),
        closed=alert.closed,
    )


def alert_of(record: IncidentAlert) -> Alert:
    """What a runbook's steps depend on, of an alert as its incident keeps it."""
    return Alert(
        identity=Fingerprint(record.check, record.rule, record.labels),
        severity=Severity(record.severity.value),
        since=record.since,
        fired=record.fired,
        summary=record.summary,
        kind=record.kind,
        target=record.target,
        region=record.region,
        runbook=record.runbook,
        labels=record.labels,
        phase=record.phase,
        cause=record.cause,
        hint=record.hint,
    )


def notification_of(
    delivery: Delivery, status: NotificationStatus, settled: float | None
) -> Notification:
    """What became of a message."""
    message = delivery.message
    return Notification(
        receiver=delivery.notifier,
        occasion=message.occasion.value,
        at=message.at,
        title=message.title,
        status=status,
        settled=settled,
        error=delivery.error,
    )


def _title(firing: Sequence[Alert], group: AlertGroup) -> str:
    return firing_title(most_severe_first(firing), group.affected, group.affected_services)
