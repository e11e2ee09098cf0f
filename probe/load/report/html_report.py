"""A load as one HTML file with plots, which loads nothing from elsewhere."""

from collections.abc import Iterable, Sequence

from probe.core.model import Verdict
from probe.load.measurement.statistics import ITERATION
from probe.load.report.plots import outcomes, over_time, percentiles
from probe.load.report.table import MARKS
from probe.load.report.texts import (
    count_words,
    error_words,
    headline,
    lost_words,
    objective_words,
    own_words,
    plan_words,
    seconds,
    share,
    spending_words,
)
from probe.load.result import LoadResult, StepRow, error_rows, notes, step_rows
from probe.report.html.document import html_document
from probe.report.html.markup import Markup, element
from probe.report.text.time_format import iso

_PLOTTED = ("response", "session", "round_trip", "credentials", "call", "journey")
_HEAD = (
    "step", "passed", "failed", "not measured", "p50", "p95", "p99", "max", "corrected p95", "own"
)  # fmt: skip
_CLASSES = {
    Verdict.OK: "ok",
    Verdict.OBJECTIVE_MISSED: "critical",
    Verdict.UNKNOWN: "unknown",
}
_STYLE = """
table{width:100%;border-collapse:collapse;background:var(--card);font-size:.875rem}
th,td{padding:.25rem .5rem;border:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}
figure{margin-top:1.25rem}
svg.load{width:100%;background:var(--card);border:1px solid var(--line)}
svg.load text{font-size:11px;fill:var(--soft)}
.rule{fill:none;stroke:var(--line)}
.line{fill:none;stroke-width:1.75;stroke:currentColor}
.names span{margin-right:1rem;font-weight:600}
.c0{color:#2563b8}.c1{color:#cf222e}.c2{color:#2f9d5c}.c3{color:#8457cf}.c4{color:#c17a05}.c5{color:#5f6873}
"""


def render(result: LoadResult) -> str:
    """The whole page."""
    css = _CLASSES[result.verdict]
    words = f"{MARKS[result.verdict]} {headline(result)}"
    body = element(
        "body",
        element("h1", f"Load on {result.target}"),
        element("p", words, class_=f"banner {css}"),
        _list(_facts(result)),
        _section("Objectives", _list(_objectives(result))),
        _section("Steps", _table(step_rows(result))),
        _errors(result),
        *_plots(result),
        _section("How it was measured", _list([own_words(result), *notes(result)])),
    )
    return html_document(f"Load: {headline(result)}", body, style=_STYLE)


def _facts(result: LoadResult) -> list[str]:
    return [
        f"{iso(result.started_at.timestamp())}, {plan_words(result.plan)}",
        count_words(result),
        f"Used {spending_words(result.statistics.used)}",
        f"Budget {spending_words(result.limit)}",
        *lost_words(result),
        *(f"Limit of the target: {each}" for each in result.limits_met),
    ]


def _objectives(result: LoadResult) -> list[str]:
    return [f"{MARKS[each.verdict]} {objective_words(each)}" for each in result.objectives]


def _errors(result: LoadResult) -> Markup | None:
    rows = error_rows(result)
    return _section("Errors", _list(error_words(row) for row in rows)) if rows else None


def _plots(result: LoadResult) -> list[Markup]:
    found = result.statistics
    steps = [name for name in _PLOTTED if name in found.steps]
    duration = max(found.elapsed, found.timeline.width)
    histograms = [
        (name, found.steps[name].latency) for name in (*steps, ITERATION) if name in found.steps
    ]
    return [
        over_time(found.timeline, steps, duration),
        outcomes(found.timeline, duration),
        percentiles(histograms),
    ]


def _section(title: str, content: Markup) -> Markup:
    return element("section", element("h2", title), content)


def _list(items: Iterable[str]) -> Markup:
    return element("ul", *(element("li", item) for item in items))


def _table(rows: Sequence[StepRow]) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in _HEAD))
    return element("table", head, *(_row(row) for row in rows))


def _row(row: StepRow) -> Markup:
    latencies = (row.p50, row.p95, row.p99, row.greatest, row.corrected_p95)
    counts = (row.passed, row.failed, row.not_measured)
    cells = (
        row.name,
        *(f"{count:,}" for count in counts),
        *(seconds(each) for each in latencies),
        share(row.own_share),
    )
    return element("tr", *(element("td", cell) for cell in cells))
