"""The list of incidents, and a page for each: what was measured, which messages were sent when."""

from collections.abc import Sequence

from probe.core.model import Verdict
from probe.history.incidents.model import Incident
from probe.report.html.incident_view import Steps, no_steps, view_of
from probe.report.html.page import REFRESH, icon
from probe.report.html.templates import policy
from probe.report.html.templates import render as render_template
from probe.report.text.phrases import SYMBOLS
from probe.report.text.sanitize import truncate

ON_A_PAGE = 50


def index(
    incidents: Sequence[Incident], *, now: float, region: str, page: int = 1, base: str = ""
) -> tuple[str, str]:
    """The list, newest first, and its Content-Security-Policy; ``page`` counts from 1."""
    pages = max(1, -(-len(incidents) // ON_A_PAGE))
    page = min(max(page, 1), pages)
    shown = incidents[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
    context = {
        "title": f"Incidents · probe {truncate(region, 40)}".strip(),
        "icon": icon(Verdict.CRITICAL if any(each.is_open for each in incidents) else Verdict.OK),
        "incidents": [view_of(each) for each in shown],
        "total": len(incidents),
        "page": page,
        "pages": pages,
        "now": now,
        "region": region,
        "refresh": REFRESH,
        "base": base,
        "here": "/incidents",
    }
    return render_template("incidents.html", context), policy()


def render(
    incident: Incident, *, now: float, region: str, steps: Steps = no_steps, base: str = ""
) -> tuple[str, str]:
    """An incident's document, and its Content-Security-Policy."""
    view = view_of(incident, steps, base)
    verdict = view.verdict if incident.is_open else Verdict.OK
    context = {
        "title": f"{SYMBOLS[verdict]} {truncate(view.title, 80)} · probe {truncate(region, 40)}",
        "icon": icon(verdict),
        "view": view,
        "incident": incident,
        "now": now,
        "region": region,
        "refresh": REFRESH if incident.is_open else None,
        "base": base,
        "here": "",
    }
    return render_template("incident.html", context), policy()
