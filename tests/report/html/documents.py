"""Every page that there is, as documents with their policies, to be held to the same rules."""

from collections.abc import Callable

from alerts import runbooks
from alerts.incident_history.records import alert_of
from alerts.runbooks.library import RunbookLibrary
from probe.history.incidents.model import IncidentAlert
from probe.report.board import StatusBoard
from probe.report.html import check_page, group_page, incident_page, page, public_page, runbook_page
from tests.report import board_samples as boards
from tests.report import check_samples, incident_samples
from tests.report.html.status_days import NOW

Document = tuple[str, str]


LIBRARY = RunbookLibrary(
    {
        "app": "paircam",
        "fly": True,
        "backend_url": "https://paircam.live",
        "frontend_url": "https://paircam.live",
        "neon": True,
        "upstash": True,
    }
)


def steps(alert: IncidentAlert) -> tuple[str, ...]:
    """The first steps of an alert's runbook, as the daemon gives them."""
    return LIBRARY.steps(alert_of(alert))


def status(board: Callable[[], StatusBoard]) -> Callable[[], Document]:
    """The status page of a board."""
    return lambda: page.render(board(), steps=steps)


def _check(name: str) -> Document:
    return check_page.render(
        check_samples.details(name), now=NOW, region="lax", newest=check_samples.runs(name)
    )


def _runbook() -> Document:
    found = runbooks.page("service-down")
    return runbook_page.render(found.title, found.text)


LOGO = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
    "%3Ccircle cx='4' cy='4' r='4' fill='%232563b8'/%3E%3C/svg%3E"
)
LOOK = public_page.PublicBranding(
    "PairCam status", LOGO, (("PairCam", "https://paircam.live/"), ("Help", "https://example.org/"))
)


def _public(board: Callable[[], StatusBoard], *, live: bool = True) -> Callable[[], Document]:
    return lambda: public_page.render(board(), LOOK, live=live)


DOCUMENTS: dict[str, Callable[[], Document]] = {
    **{name: status(board) for name, board in boards.BOARDS.items()},
    "check": lambda: _check("health"),
    "check-well": lambda: _check("turn-primary-udp"),
    "service": lambda: group_page.service(
        boards.transport_down(), boards.transport_down().services[2]
    ),
    "provider": lambda: group_page.provider(
        boards.transport_down(), boards.transport_down().services[2].providers[0]
    ),
    "incident": lambda: incident_page.render(
        boards.backend_down().open[0], now=NOW, region="lax", steps=steps
    ),
    "incident-over": lambda: incident_page.render(
        incident_samples.past()[0], now=NOW, region="lax"
    ),
    "incidents": lambda: incident_page.index(
        (*boards.backend_down().open, *incident_samples.past()), now=NOW, region="lax"
    ),
    "no-incidents": lambda: incident_page.index((), now=NOW, region="lax"),
    "public": _public(boards.maintenance),
    "public-outage": _public(boards.backend_down),
    "public-starting": _public(boards.starting),
    "public-export": _public(boards.backend_down, live=False),
    "runbook": _runbook,
    "runbooks": lambda: runbook_page.index([("service-down", "A service is down")]),
}
