"""One incident as the pages show it: what users lose, evidence, steps, and what happened when."""

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup
from msgspec import Struct

from probe.core.model import Verdict
from probe.history.incidents.model import (
    Annotation,
    Incident,
    IncidentAlert,
    IncidentSeverity,
    Note,
    Notification,
    NotificationStatus,
)
from probe.report.html.prose import prose
from probe.report.text.sanitize import truncate
from probe.report.timeline import timeline

# The first steps for an alert, from its runbook.
Steps = Callable[[IncidentAlert], Sequence[str]]
# What the pages show with more than a line of text.
_OWN = ("note", "annotation")
_SEVERITIES = {
    IncidentSeverity.WARNING: Verdict.WARNING,
    IncidentSeverity.CRITICAL: Verdict.CRITICAL,
}


class TimelineLine(Struct, frozen=True):
    """Something that happened; ``kind`` is that of ``probe.report.timeline``,
    ``html`` a note's text."""

    at: float
    kind: str
    text: str
    html: Markup | None = None
    link: str = ""


class IncidentView(Struct, frozen=True):
    """``runbook`` is an address, ``notified`` says who was sent it and who has acknowledged it,
    ``evidence`` are the alerts that say most, one for each reason. Where more than one service
    has failed, ``headline`` says what users lose of each, and ``more_runbooks`` are those of the
    others, by service. Of an open incident all of it is about what still fires."""

    incident: Incident
    verdict: Verdict
    headline: str
    title: str
    cause: str
    evidence: tuple[IncidentAlert, ...]
    steps: tuple[str, ...]
    runbook: str
    more_runbooks: tuple[tuple[str, str], ...]
    notified: str
    timeline: tuple[TimelineLine, ...]

    @property
    def affected(self) -> tuple[str, ...]:
        """Every check that failed with it."""
        return self.incident.checks

    @property
    def without_alert(self) -> tuple[str, ...]:
        """Those of them that have no alert of their own."""
        return without_alert(self.incident)


def no_steps(_alert: IncidentAlert) -> Sequence[str]:
    """Where there is no runbook at hand."""
    return ()


def without_alert(incident: Incident) -> tuple[str, ...]:
    """Checks that failed too and have no alert; one that was pending may have fired since."""
    alerting = {each.check for each in incident.alerts}
    return tuple(name for name in incident.affected if name not in alerting)


def view_of(incident: Incident, steps: Steps = no_steps, base: str = "") -> IncidentView:
    """An incident for a card or a page; ``base`` stands in front of the runbooks' addresses."""
    ordered = _ordered(incident)
    leading = _leading(ordered)
    first = leading[0] if leading else None
    losses = dict.fromkeys(each.loss for each in leading if each.loss)
    runbooks = {runbook_address(each.runbook, base): each.service for each in reversed(leading)}
    runbook = runbook_address(first.runbook if first is not None else "", base)
    return IncidentView(
        incident=incident,
        verdict=_SEVERITIES[incident.severity],
        headline="; ".join(losses) if first is not None and first.loss else incident.title,
        title=incident.title,
        cause=(first.cause or first.rule) if first is not None else "",
        evidence=tuple(_evidence([*leading, *ordered])),
        steps=tuple(steps(first)) if first is not None else (),
        runbook=runbook,
        more_runbooks=tuple(
            (service, address)
            for address, service in reversed(runbooks.items())
            if address and address != runbook
        ),
        notified=_notified(incident),
        timeline=timeline_of(incident),
    )


def runbook_address(runbook: str, base: str = "") -> str:
    """A page of ours by its name, or one elsewhere."""
    if not runbook or runbook.startswith(("https://", "http://")):
        return runbook
    return f"{base}/runbooks/{runbook}"


def timeline_of(incident: Incident) -> tuple[TimelineLine, ...]:
    """Everything that is known to have happened, oldest first."""
    found = [
        *(_note(each) for each in incident.notes),
        *(_annotation(each) for each in incident.annotations),
        *(
            TimelineLine(each.at, each.kind, each.text)
            for each in timeline(incident)
            if each.kind not in _OWN
        ),
    ]
    return tuple(sorted(found, key=lambda each: each.at))


def _ordered(incident: Incident) -> list[IncidentAlert]:
    """Those that still fire first, of them the most severe, of them the oldest."""
    return sorted(
        incident.alerts,
        key=lambda each: (
            each.ended is not None and incident.is_open,
            each.severity is not IncidentSeverity.CRITICAL,
            each.since,
        ),
    )


def _leading(ordered: Sequence[IncidentAlert]) -> list[IncidentAlert]:
    """The first alert, and that of every other service that has failed as badly: two faults at the
    same time are one incident, and neither hides the other."""
    found: dict[str, IncidentAlert] = {}
    for each in ordered:
        same = each.severity is ordered[0].severity
        if same and (each.ended is None) == (ordered[0].ended is None):
            found.setdefault(each.service, each)
    return list(found.values())


def _evidence(ordered: Sequence[IncidentAlert]) -> Iterator[IncidentAlert]:
    """One alert for each reason."""
    seen: set[tuple[str, str]] = set()
    for each in ordered:
        reason = (each.summary, each.cause)
        if reason not in seen:
            seen.add(reason)
            yield each


def _note(each: Note) -> TimelineLine:
    whose = f" by {each.author}" if each.author else ""
    public = ", public" if each.public else ""
    return TimelineLine(each.at, "note", f"note{whose}{public}", html=prose(each.text))


def _annotation(each: Annotation) -> TimelineLine:
    commit = f" {truncate(each.commit, 40)}" if each.commit else ""
    source = f" (seen by {truncate(each.source, 60)})" if each.source else ""
    text = f"{each.kind}: {each.text}{commit}{source}"
    return TimelineLine(each.at, "annotation", text, link=each.link)


def _by(author: str, comment: str) -> str:
    return ": ".join(part for part in (f"by {author}" if author else "", comment) if part)


def _notified(incident: Incident) -> str:
    """``sent to slack and pagerduty, acknowledged by Ana``."""
    acknowledged = incident.acknowledgements[-1:]
    if incident.suppressed and not incident.notifications:
        return f"not notified: {', '.join(incident.suppressed)}"
    parts = [
        f"{label} {', '.join(receivers)}"
        for status, label in (
            (NotificationStatus.DELIVERED, "sent to"),
            (NotificationStatus.PENDING, "waiting for"),
            (NotificationStatus.REFUSED, "refused by"),
        )
        if (receivers := _receivers(incident.notifications, status))
    ]
    parts += [f"acknowledged {_by(each.author, '')}".strip() for each in acknowledged]
    return "; ".join(parts) or "not notified"


def _receivers(notifications: Sequence[Notification], status: NotificationStatus) -> list[str]:
    """Receivers whose newest message has this status."""
    newest = {each.receiver: each.status for each in notifications}
    return [name for name, found in newest.items() if found is status]
