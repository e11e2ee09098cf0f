"""The gate's report as one HTML file without scripts, with its timeline in SVG."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from probe.core.model import Verdict
from probe.report.gate import phrases
from probe.report.gate.model import Decision, GateReport, GateVerdict, TimelineRow
from probe.report.html.document import html_document
from probe.report.html.markup import NOTHING, Child, Markup, concat, element, truncate
from probe.report.text.time_format import clock, duration

STYLE = """
main{max-width:72rem;padding:1rem;margin:auto}
main h1{font-size:1.375rem}main h2{margin:1.5rem 0 .5rem;font-size:1.0625rem}
main p,main ul{margin:.5rem 0}main ul{padding-left:1.5rem;list-style:disc}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;width:100%}
th,td{padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);text-align:left}
th,td{vertical-align:top}
th{color:var(--soft);font-weight:600}td.value{white-space:nowrap}
.met{color:var(--ok)}.missed{color:var(--critical)}.not_decided{color:var(--unknown)}
.lane text{font-size:11px;fill:var(--ink)}.lane .tick{fill:var(--soft)}
.cell.ok,.cell.objective_missed{fill:var(--ok-fill)}.cell.warning{fill:var(--warning-fill)}
.cell.critical{fill:var(--critical-fill)}.cell.unknown{fill:var(--unknown-fill)}
.cell.none{fill:var(--line)}.mark{stroke:var(--ink);stroke-width:1.5px;stroke-dasharray:3 2}
"""
_BANNER = {
    GateVerdict.GO: "ok",
    GateVerdict.ROLL_BACK: "critical",
    GateVerdict.NOT_DECIDED: "unknown",
}
_ORDER = (Decision.MISSED, Decision.NOT_DECIDED, Decision.MET)
_LEFT, _WIDTH, _LANE, _FOOT = 180, 900, 16, 22
_TICKS = 6


def render(report: GateReport) -> str:
    """The whole document."""
    word = phrases.WORDS[report.verdict]
    body = element("main", *_parts(report))
    return html_document(f"{word} · probe", element("body", body), style=STYLE)


def _parts(report: GateReport) -> Iterator[Markup]:
    window = report.window
    yield element("h1", "Release gate")
    yield element(
        "p",
        element("span", phrases.WORDS[report.verdict], class_="verdict"),
        f": {phrases.headline(report)}",
        class_=f"banner {_BANNER[report.verdict]}",
    )
    yield element(
        "p",
        f"From {phrases.moment(window.start)} to {phrases.moment(window.end)}, region "
        f"{report.region}, probe {report.version}, intervals at {100 * report.confidence:g} %. "
        f"{report.early}",
    )
    yield _listed("", phrases.explanation(report))
    yield element("h2", "Timeline")
    yield element("div", timeline_svg(report), class_="wide")
    yield element("h2", "Objectives")
    yield _objectives(report)
    yield _listed("Without data", [row.name for row in phrases.silent(report)])
    yield element("h2", "Incidents")
    yield _incidents(report) if report.incidents else element("p", "None.")
    gaps = [
        f"{phrases.moment(gap.start)}: {duration(gap.duration)} ({gap.reason})"
        for gap in report.gaps
    ]
    yield _listed("Without results", gaps)
    yield _listed("Events", [f"{phrases.moment(each.at)}: {each.text}" for each in report.markers])
    yield _listed("Costs", [f"{row.name}: {row.amount}" for row in report.costs])
    yield _listed("Not checked", [f"{kind}: {reason}" for kind, reason in report.skipped])
    yield _listed("Notes", report.notes)


def timeline_svg(report: GateReport) -> Markup:
    """One lane for each check, and a line for each event."""
    lanes, window = report.timeline, report.window
    height = _LANE * max(len(lanes), 1) + _FOOT
    drawn = [part for place, row in enumerate(lanes) for part in _lane(row, place * _LANE)]
    bottom = height - _FOOT
    for marker in report.markers:
        x = _LEFT + _part(marker.at, window.start, window.planned) * (_WIDTH - _LEFT)
        line = element(
            "path", element("title", marker.text), d=f"M{x:.1f} 0V{bottom}", class_="mark"
        )
        drawn.append(line)
    for tick in range(_TICKS + 1):
        at = window.start + window.planned * tick / _TICKS
        x = _LEFT + (_WIDTH - _LEFT - 36) * tick / _TICKS
        drawn.append(_text(clock(at, window.start), x, height - 6, "tick"))
    return element(
        "svg",
        *drawn,
        class_="lane",
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_label=f"Timeline: {phrases.headline(report)}",
    )


def _lane(row: TimelineRow, top: int) -> Iterator[Markup]:
    yield _text(truncate(row.check, 26), 0, top + 12, "")
    width = (_WIDTH - _LEFT) / max(len(row.cells), 1)
    place = 0
    for verdict, cells in groupby(row.cells):
        count = len(list(cells))
        yield _cell(verdict, _LEFT + place * width, top + 2, count * width)
        place += count


def _cell(verdict: Verdict | None, x: float, y: int, width: float) -> Markup:
    name = verdict.value if verdict else "none"
    shape = f"M{x:.1f} {y}h{width:.1f}v{_LANE - 4}h-{width:.1f}z"
    return element("path", d=shape, class_=f"cell {name}")


def _text(text: str, x: float, y: float, name: str) -> Markup:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=name or None)


def _part(at: float, start: float, planned: float) -> float:
    return min(max((at - start) / planned, 0.0), 1.0) if planned > 0 else 0.0


def _objectives(report: GateReport) -> Markup:
    header = ("", "objective", "limit", "measured", "interval", "by count", "by time", "budget")
    rows: list[Sequence[Child]] = [
        (
            element(
                "span",
                f"{phrases.SIGNS[row.decision]} {phrases.DECISIONS[row.decision]}",
                class_=row.decision.value,
            ),
            row.name,
            f"{row.statistic} {phrases.limit(row)}",
            phrases.measured(row),
            phrases.interval(row) or "—",
            phrases.by_count(row),
            phrases.by_time(row),
            phrases.budget(row),
        )
        for decision in _ORDER
        for row in phrases.shown(report, decision)
    ]
    return grid(header, rows)


def _incidents(report: GateReport) -> Markup:
    rows: list[Sequence[Child]] = [
        (
            phrases.moment(row.start),
            phrases.lasted(row),
            row.verdict.value,
            row.cause,
            ", ".join(row.checks),
            truncate(row.message, 300),
        )
        for row in report.incidents
    ]
    return grid(("begin", "lasted", "severity", "cause", "checks", "message"), rows)


def grid(header: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    """A table."""
    head = element("tr", *(element("th", each) for each in header))
    body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    table = element("table", element("thead", head), element("tbody", *body))
    return element("div", table, class_="wide")


def _listed(title: str, lines: Sequence[str]) -> Markup:
    if not lines:
        return NOTHING
    head = element("h2", title) if title else None
    return concat((head, element("ul", *(element("li", line) for line in lines))))
