"""An incident as Markdown, to start a post-mortem from.

What comes from a target is escaped, so that it can neither be markup nor end a table's cell;
notes of people are Markdown themselves and stay as they are.
"""

import re
from collections.abc import Iterator

from probe.history.incidents.model import Incident, IncidentAlert
from probe.report.text.sanitize import clean, without_references
from probe.report.text.time_format import duration, iso
from probe.report.timeline import timeline

# What GitHub and GitLab make a link of by itself.
_LINK = re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.|@", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def incident_markdown(incident: Incident, now: float) -> str:
    """The whole incident; ``now`` is in seconds since 1970."""
    return "\n".join(_lines(incident, now)) + "\n"


def escaped(text: str) -> str:
    """One line of text that is no markup (CommonMark, GitHub's tables) and mentions nobody."""
    line = without_references(clean(text).strip(), _without_markup)
    # At the start of a line these would begin a list.
    return re.sub(r"^(\s*\d*)([-+.)])(?=\s)", r"\1\\\2", line)


def _without_markup(text: str) -> str:
    return _LINK.sub(r"\\\g<0>", _MARKUP.sub(r"\\\1", text))


def _lines(incident: Incident, now: float) -> Iterator[str]:
    yield f"# {escaped(incident.title)}"
    yield ""
    yield from _facts(incident, now)
    yield ""
    yield "## Evidence"
    yield ""
    yield from _table(
        ("check", "severity", "from", "until", "what", "cause", "value", "limit"),
        (_alert(each) for each in incident.alerts),
    )
    alerting = {each.check for each in incident.alerts}
    if others := [name for name in incident.affected if name not in alerting]:
        names = ", ".join(map(escaped, others))
        yield ""
        yield f"Also failing: {names}"
    yield ""
    yield "## Timeline"
    yield ""
    yield from _table(
        ("time (UTC)", "event"),
        ((iso(each.at) or "", escaped(each.text)) for each in timeline(incident)),
    )
    yield from _notes(incident)
    yield ""
    yield "## Root cause"
    yield ""
    yield "## What went well, what went wrong"
    yield ""
    yield "## Actions"


def _facts(incident: Incident, now: float) -> Iterator[str]:
    ended = iso(incident.ended) or "it lasts"
    yield f"- Incident: `{incident.id}`"
    yield f"- Severity: {incident.severity.value}"
    yield f"- Cause: {escaped(incident.cause) or 'unknown'}"
    yield f"- From: {iso(incident.since)}"
    yield f"- Until: {ended} ({duration(incident.duration(now))})"
    if incident.services:
        yield f"- Services: {escaped(', '.join(incident.services))}"
    losses = dict.fromkeys(each.loss for each in incident.alerts if each.loss)
    for loss in losses:
        yield f"- Impact: {escaped(loss)}"
    if incident.region:
        yield f"- Seen from: {escaped(incident.region)}"
    if incident.suppressed:
        yield f"- Notifications suppressed by: {escaped(', '.join(incident.suppressed))}"
    if incident.adopted:
        yield "- Restored from what a receiver knew: the stored beginning is lost"


def _alert(alert: IncidentAlert) -> tuple[str, ...]:
    return (
        escaped(alert.check),
        alert.severity.value,
        iso(alert.since) or "",
        iso(alert.ended) or "",
        escaped(alert.summary),
        escaped(alert.cause or alert.rule),
        escaped(alert.value),
        escaped(alert.limit),
    )


def _notes(incident: Incident) -> Iterator[str]:
    if not incident.notes:
        return
    yield ""
    yield "## Notes"
    for note in incident.notes:
        yield ""
        yield f"**{escaped(note.author)}**, {iso(note.at)}:"
        yield ""
        yield note.text


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
