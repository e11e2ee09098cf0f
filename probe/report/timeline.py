"""What happened in an incident, in order: alerts, messages, people, deployments."""

from collections.abc import Iterator
from itertools import groupby

from msgspec import Struct

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Incident,
    IncidentAlert,
    Notification,
    NotificationStatus,
)
from probe.report.text.time_format import duration
from probe.untrusted.text import listed

_MAX_NAMES = 5
_LABELS = {
    "firing": "notified",
    "changed": "sent an update",
    "reminder": "reminded",
    "resolved": "notified of the recovery",
}


class TimelineEntry(Struct, frozen=True):
    """One thing that happened at ``at`` (seconds since 1970).

    ``kind`` is ``began``, ``fired``, ``resolved``, ``notification``, ``acknowledged``, ``note``,
    ``annotation`` or ``ended``.
    """

    at: float
    kind: str
    text: str


def timeline(incident: Incident) -> list[TimelineEntry]:
    """All that is known of an incident, the oldest first."""
    found = [
        *_alerts(incident),
        *map(_notification, incident.notifications),
        *map(_acknowledgement, incident.acknowledgements),
        *(TimelineEntry(each.at, "note", f"note by {each.author}") for each in incident.notes),
        *map(_annotation, incident.annotations),
    ]
    order = ("annotation", "began", "fired", "notification")
    return sorted(
        found,
        key=lambda each: (each.at, order.index(each.kind) if each.kind in order else len(order)),
    )


def _alerts(incident: Incident) -> Iterator[TimelineEntry]:
    first = incident.first
    began = f"{first.check}: {first.summary}" if first is not None else incident.title
    yield TimelineEntry(incident.since, "began", f"first bad result: {began}")
    for at, alerts in groupby(sorted(incident.alerts, key=lambda each: each.fired), key=_fired):
        yield TimelineEntry(at, "fired", f"alert: {_names(alerts)}")
    over = [each for each in incident.alerts if each.ended is not None]
    for at, alerts in groupby(sorted(over, key=_ended), key=_ended):
        if at != incident.ended:
            yield TimelineEntry(at, "resolved", f"recovered: {_names(alerts)}")
    if incident.ended is not None:
        lasted = duration(incident.ended - incident.since)
        yield TimelineEntry(incident.ended, "ended", f"all recovered, after {lasted}")


def _notification(found: Notification) -> TimelineEntry:
    label = _LABELS.get(found.occasion, found.occasion)
    at = found.at if found.settled is None else found.settled
    match found.status:
        case NotificationStatus.DELIVERED:
            text = f"{found.receiver}: {label}"
        case NotificationStatus.REFUSED:
            text = _with_comment(f"{found.receiver}: {found.occasion} refused", found.error)
        case NotificationStatus.DROPPED:
            text = f"{found.receiver}: {found.occasion} not sent, superseded"
        case _:
            text = _with_comment(f"{found.receiver}: {found.occasion} waits", found.error)
    return TimelineEntry(at, "notification", text)


def _acknowledgement(found: Acknowledgement) -> TimelineEntry:
    text = _with_comment(f"acknowledged by {found.author}", found.comment)
    return TimelineEntry(found.at, "acknowledged", text)


def _annotation(found: Annotation) -> TimelineEntry:
    about = " ".join(
        filter(None, (found.commit[:12], f"by {found.author}" if found.author else "", found.link))
    )
    source = f"{found.source}: " if found.source else ""
    text = f"{source}{found.text}"
    return TimelineEntry(found.at, "annotation", f"{text} ({about})" if about else text)


def _names(alerts: Iterator[IncidentAlert]) -> str:
    names = list(dict.fromkeys(each.check for each in alerts))
    return listed(names, _MAX_NAMES)


def _with_comment(text: str, comment: str) -> str:
    return f"{text}: {comment}" if comment else text


def _fired(alert: IncidentAlert) -> float:
    return alert.fired


def _ended(alert: IncidentAlert) -> float:
    return alert.ended if alert.ended is not None else float("inf")
