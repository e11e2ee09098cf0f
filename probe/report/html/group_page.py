"""The page of a service or a TURN provider: uptime against its objective, checks, incidents."""

from collections.abc import Sequence
from typing import Any

from probe.core.model import Verdict
from probe.report.board import ProviderRow, ServiceRow, StatusBoard
from probe.report.html.charts.strips import day_bars, state_of_day
from probe.report.html.check_lines import check_line
from probe.report.html.incident_view import view_of
from probe.report.html.page import REFRESH, icon
from probe.report.html.templates import policy
from probe.report.html.templates import render as render_template
from probe.report.html.windows import uptime_rows
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.sanitize import truncate

MAX_CHECKS, MAX_INCIDENTS = 200, 20


def service(board: StatusBoard, row: ServiceRow, *, base: str = "") -> tuple[str, str]:
    """A service's document, and its Content-Security-Policy."""
    return _render(board, row, row.title, base)


def provider(board: StatusBoard, row: ProviderRow, *, base: str = "") -> tuple[str, str]:
    """A TURN provider's document, and its Content-Security-Policy."""
    return _render(board, row, f"TURN provider {row.name}", base)


def _render(
    board: StatusBoard, row: ServiceRow | ProviderRow, title: str, base: str
) -> tuple[str, str]:
    now = board.overview.now
    verdict = without_objectives(row.verdict) if row.verdict else Verdict.UNKNOWN
    checks = {each.name: each for each in board.overview.rows}
    mine = [checks[name] for name in row.checks if name in checks]
    incidents = [
        each for each in (*board.open, *board.recent) if set(each.checks) & set(row.checks)
    ]
    region = truncate(board.overview.region, 40)
    context = {
        "title": f"{SYMBOLS[verdict]} {truncate(title, 80)} · probe {region}",
        "heading": title,
        "icon": icon(verdict),
        "row": row,
        "providers": row.providers if isinstance(row, ServiceRow) else (),
        "transports": row.transports if isinstance(row, ProviderRow) else (),
        "now": now,
        "region": board.overview.region,
        "refresh": REFRESH,
        "base": base,
        "here": "",
        "days": day_bars(row.uptime.days),
        "bad_days": _bad_days(row),
        "uptime": uptime_rows(row.uptime),
        "objective": row.uptime.objective,
        "lines": [check_line(each, now) for each in mine[:MAX_CHECKS]],
        "left_out": max(0, len(mine) - MAX_CHECKS),
        "incidents": [view_of(each) for each in incidents[:MAX_INCIDENTS]],
    }
    return render_template("group.html", context), policy()


def _bad_days(row: ServiceRow | ProviderRow) -> Sequence[dict[str, Any]]:
    """Every day that was not simply up, newest first."""
    return [
        {"day": each, "verdict": state}
        for each in reversed(row.uptime.days)
        if (state := state_of_day(each)) not in (None, Verdict.OK)
    ]
