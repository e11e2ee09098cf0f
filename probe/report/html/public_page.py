"""The public status page: services, 90 days, incidents and announcements, for customers.

It has nothing of the inside: no check, target, region, cause or receiver. Of an incident it says
which services it is about, and what was written for the public.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup
from msgspec import Struct

from probe.core.model import Verdict
from probe.history.incidents.model import Incident, IncidentSeverity
from probe.history.uptime.model import DAY_SECONDS
from probe.report.board import ServiceRow, StatusBoard
from probe.report.html.announcement_view import announcements_of
from probe.report.html.charts.strips import StripPicture, day_bars
from probe.report.html.page import icon
from probe.report.html.prose import prose
from probe.report.html.templates import policy
from probe.report.html.templates import render as render_template
from probe.report.text.phrases import without_objectives
from probe.report.text.sanitize import truncate
from probe.report.text.time_format import iso

REFRESH = 60
PAST_SECONDS = 14 * DAY_SECONDS
MAX_PAST = 50
STATES = {
    Verdict.OK: "Operational",
    Verdict.WARNING: "Degraded",
    Verdict.CRITICAL: "Outage",
    Verdict.UNKNOWN: "Not measured",
}
_SYMBOLS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.CRITICAL: "✗", Verdict.UNKNOWN: "?"}
_HEADLINES = {
    Verdict.OK: "All services are operational",
    Verdict.WARNING: "Some services are degraded",
    Verdict.CRITICAL: "Some services are down",
    Verdict.UNKNOWN: "The state of some services is unknown",
}
_ORDER = (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN, Verdict.OK)
DEFAULT_TITLE = "Service status"


class PublicBranding(Struct, frozen=True):
    """What the operators choose: the page's title, a logo as a ``data:`` address, and links
    (name, address)."""

    title: str = DEFAULT_TITLE
    logo: str = ""
    links: tuple[tuple[str, str], ...] = ()


class PublicService(Struct, frozen=True):
    """A service as customers see it; ``ratio`` is its uptime over 90 days."""

    title: str
    verdict: Verdict
    state: str
    days: StripPicture
    ratio: float | None


class PublicUpdate(Struct, frozen=True):
    """A text for the public, rendered from Markdown."""

    at: float
    html: Markup


class PublicIncident(Struct, frozen=True):
    """An incident as customers see it."""

    title: str
    verdict: Verdict
    since: float
    ended: float | None
    updates: tuple[PublicUpdate, ...]


def render(
    board: StatusBoard, branding: PublicBranding, *, base: str = "", live: bool = True
) -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs. ``live``: it is served from
    here, and refreshes; otherwise it stands for itself."""
    now = board.overview.now
    services = [_service(row) for row in board.services]
    verdict = overall([each.verdict for each in services])
    context = {
        "title": f"{_SYMBOLS[verdict]} {truncate(branding.title, 100)}",
        "icon": icon(verdict),
        "look": branding,
        "verdict": verdict,
        "symbol": _SYMBOLS[verdict],
        "headline": _HEADLINES[verdict] if services else "No measurements yet",
        "services": services,
        "incidents": [_incident(each, board) for each in board.open if _is_public(each, board)],
        "notices": announcements_of(board),
        "days": list(_past_days(board, now)),
        "now": now,
        "region": "",
        "base": base,
        "here": "",
        "refresh": REFRESH if live else None,
        "scripts": live,
    }
    return render_template("public.html", context), policy(scripts=live)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst state of any service."""
    return next((each for each in _ORDER if each in verdicts), Verdict.UNKNOWN)


def _service(row: ServiceRow) -> PublicService:
    verdict = without_objectives(row.verdict) if row.verdict else Verdict.UNKNOWN
    ratio = row.uptime.windows[-1].ratio if row.uptime.windows else None
    return PublicService(row.title, verdict, STATES[verdict], day_bars(row.uptime.days), ratio)


def _is_public(incident: Incident, board: StatusBoard) -> bool:
    """Whether it is about a service, or was written about; maintenance has a notice of its own."""
    written = any(note.public for note in incident.notes)
    return written or (bool(_services(incident, board)) and not incident.suppressed)


def _services(incident: Incident, board: StatusBoard) -> list[str]:
    failing = set(incident.checks)
    return [row.title for row in board.services if failing & set(row.checks)]


def _incident(incident: Incident, board: StatusBoard) -> PublicIncident:
    critical = incident.severity is IncidentSeverity.CRITICAL
    verdict = Verdict.CRITICAL if critical else Verdict.WARNING
    services = _services(incident, board)
    about = f"{', '.join(services)}: " if services else ""
    state = STATES[verdict].lower() if services else STATES[verdict]
    updates = tuple(
        PublicUpdate(note.at, prose(note.text))
        for note in sorted(incident.notes, key=lambda each: -each.at)
        if note.public
    )
    return PublicIncident(f"{about}{state}", verdict, incident.since, incident.ended, updates)


def _past_days(board: StatusBoard, now: float) -> Iterator[tuple[str, list[PublicIncident]]]:
    """What is over of the last 14 days, by day (UTC), newest first."""
    past = [
        _incident(each, board)
        for each in sorted(board.recent, key=lambda each: -each.since)
        if each.since > now - PAST_SECONDS and _is_public(each, board)
    ][:MAX_PAST]
    for day, found in groupby(past, key=lambda each: (iso(each.since) or "")[:10]):
        yield day, list(found)
