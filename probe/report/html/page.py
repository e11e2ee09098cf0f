"""The status page: open incidents first, then services, then checks."""

from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, urlencode

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.board import ProviderRow, ServiceRow, StatusBoard
from probe.report.html.announcement_view import announcements_of
from probe.report.html.charts.strips import StripPicture, day_bars
from probe.report.html.check_lines import CheckLine, by_kind, check_line, groups_of, tally
from probe.report.html.filters import STATES, CheckFilter
from probe.report.html.incident_view import Steps, no_steps, view_of
from probe.report.html.templates import path, policy
from probe.report.html.templates import render as render_template
from probe.report.status import ALERT, Notice, Overview, StatusRow
from probe.report.text.headline import BROKEN, Headline, broken, headline, problem, summary
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.sanitize import truncate
from probe.report.text.units import plural

REFRESH = 60
# More than these would push what matters off the first screens; the rest is folded.
MAX_CARDS, MAX_LINES, MAX_NOTICES, MAX_RECENT = 3, 3, 2, 5
# Of more services the rest is folded: each page of one's own is a service.
MAX_SERVICES = 20
# So few checks are shown unfolded while nothing is wrong.
FEW_CHECKS = 12
_COLOURS = {
    Verdict.OK: "#17803d",
    Verdict.UNKNOWN: "#6b3fb5",
    Verdict.WARNING: "#9a5b00",
    Verdict.CRITICAL: "#c2141f",
}


class ServiceLine(Struct, frozen=True):
    """A service or provider with its bars. ``subtitle`` is its problem, or how many checks it has;
    ``ratio`` is its uptime over the longest window."""

    row: ServiceRow | ProviderRow
    address: str
    title: str
    days: StripPicture
    subtitle: str
    ratio: float | None


def render(
    board: StatusBoard,
    *,
    refresh: int | None = REFRESH,
    base: str = "",
    shown: CheckFilter | None = None,
    steps: Steps = no_steps,
) -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs.

    ``refresh`` is after how many seconds a browser asks again (None: never), ``base`` stands
    in front of the paths of the probe's other pages; ``shown`` filters the checks.
    """
    overview, headline = board.overview, board_headline(board)
    incidents = [view_of(each, steps, base) for each in board.open]
    context = {
        "title": page_title(overview),
        "icon": icon(headline.verdict),
        "symbol": SYMBOLS[headline.verdict],
        "headline": headline,
        "board": board,
        "overview": overview,
        "incidents": incidents,
        "notices": _notices(board),
        "recent": [view_of(each) for each in board.recent[:MAX_RECENT]],
        "now": overview.now,
        "region": overview.region,
        "refresh": refresh,
        "base": base,
        "announcements": announcements_of(board),
        "unalerted": _unalerted(board),
        "services": by_urgency(service_lines(board)),
        "MAX_SERVICES": MAX_SERVICES,
        "MAX_CARDS": MAX_CARDS,
        "MAX_LINES": MAX_LINES,
        "MAX_NOTICES": MAX_NOTICES,
        **_checks(board, shown or CheckFilter(), refresh),
    }
    return render_template("status.html", context), policy()


def board_headline(board: StatusBoard) -> Headline:
    """The worst problem. Where it is an incident, its card says what it is, and the headline how
    much of everything fails."""
    found = headline(board.overview)
    worst = [view for view in map(view_of, board.open) if view.verdict is found.verdict]
    if not worst:
        return found
    failing = sum(row.verdict in (Verdict.CRITICAL, Verdict.WARNING) for row in board.overview.rows)
    text = f"{failing:,} of {plural(len(board.overview.rows), 'check')} failing"
    more = f"{plural(len(board.open), 'incident')}" if len(board.open) > 1 else ""
    return Headline(found.verdict, text, min(view.incident.since for view in worst), more)


def page_title(overview: Overview) -> str:
    """What a tab among many shows: ``✗ 2 critical · probe lax``."""
    verdict = without_objectives(overview.verdict)
    region = truncate(overview.region, 40)
    return f"{SYMBOLS[verdict]} {summary(overview)} · probe {region}".strip()


@cache
def icon(verdict: Verdict | None = None) -> Markup:
    """A coloured disc with the verdict's symbol, for a tab among many; grey without one."""
    colour = _COLOURS[verdict] if verdict else "#444c56"
    symbol = SYMBOLS[verdict] if verdict else "·"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
        f'<circle cx="8" cy="8" r="8" fill="{colour}"/>'
        '<text x="8" y="12" font-size="11" font-family="sans-serif" font-weight="700" '
        f'text-anchor="middle" fill="#fff">{symbol}</text></svg>'
    )
    return Markup(f"data:image/svg+xml,{quote(svg)}")  # noqa: S704  quoted


def service_lines(board: StatusBoard) -> list[ServiceLine]:
    """Every service; of TURN each provider, with its transports."""
    rows = {row.name: row for row in board.overview.rows}
    found = []
    for service in board.services:
        address = f"/services/{path(service.name)}"
        if not service.providers:
            found.append(_service_line(service, address, service.title, rows))
        for each in service.providers:
            address = f"/providers/{path(each.name)}"
            found.append(_service_line(each, address, f"{service.title}: {each.name}", rows))
    return found


def by_urgency(lines: list[ServiceLine]) -> list[ServiceLine]:
    """Where some are folded, those that are not ok come first."""
    if len(lines) <= MAX_SERVICES:
        return lines
    order: dict[Verdict | None, int] = {each: place for place, each in enumerate(BROKEN)}
    return sorted(lines, key=lambda line: order.get(line.row.verdict, len(order)))


def _service_line(
    row: ServiceRow | ProviderRow, address: str, title: str, rows: Mapping[str, StatusRow]
) -> ServiceLine:
    failing = broken([rows[name] for name in row.checks if name in rows])
    subtitle = (
        f"{failing[0].name}: {problem(failing[0])}" if failing else plural(len(row.checks), "check")
    )
    ratio = row.uptime.windows[-1].ratio if row.uptime.windows else None
    return ServiceLine(
        row, address, title, day_bars(row.uptime.days), truncate(subtitle, 120), ratio
    )


def _notices(board: StatusBoard) -> list[Notice]:
    """All but alerts that are in the card of an incident."""
    known = {f"{ALERT}{name}" for each in board.open for name in each.checks}
    return [each for each in board.overview.notices if each.title not in known]


def _unalerted(board: StatusBoard) -> list[CheckLine]:
    """What is not ok and in no incident: it has not lasted long enough, or can't be measured."""
    known = {name for each in board.open for name in each.checks}
    overview = board.overview
    return [check_line(row, overview.now) for row in broken(overview.rows) if row.name not in known]


def _checks(board: StatusBoard, shown: CheckFilter, refresh: int | None) -> Mapping[str, object]:
    overview = board.overview
    matching = by_kind([row for row in overview.rows if shown.matches(row)])
    rows, page, pages = shown.page_of(matching)
    here = replace(shown, page=page)
    is_calm = not board.open
    few = len(overview.rows) <= FEW_CHECKS and is_calm
    return {
        "filter": here,
        "groups": groups_of(rows, matching, overview.now, is_open=here.is_active or few),
        "unfolded": here.is_active or here.page > 1 or is_calm,
        "all_tally": tally(overview.rows),
        "matching": len(matching),
        "total": len(overview.rows),
        "pages": pages,
        "states": STATES,
        "kinds": tuple(dict.fromkeys(row.kind for row in overview.rows)),
        "cell": _cell(overview),
        "query_with": lambda name, value: _query(here, refresh, name, value),
    }


def _cell(overview: Overview) -> float:
    cells = max((len(row.day) for row in overview.rows), default=0)
    return (overview.day_until - overview.day_start) / cells if cells else 0.0


def _query(shown: CheckFilter, refresh: int | None, name: str, value: str) -> str:
    """This page's address with one part changed."""
    parts = {
        "q": shown.text,
        "state": shown.state,
        "kind": shown.kind,
        "page": str(shown.page) if shown.page > 1 else "",
        "refresh": "0" if refresh is None else "",
        name: value,
    }
    return f"?{urlencode({key: part for key, part in parts.items() if part})}"
