"""A load as one HTML file with plots, which loads nothing from elsewhere."""

from probe.core.model import Verdict
from probe.load.measurement.statistics import ITERATION
from probe.load.report.plots import LoadPlot, outcomes, over_time, percentiles
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
from probe.report.html.templates import render as render_template
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
_STYLE = "load.css"


def render(result: LoadResult) -> str:
    """The whole page."""
    words = f"{MARKS[result.verdict]} {headline(result)}"
    context = {
        "base": "",
        "title": f"Load: {headline(result)}",
        "target": result.target,
        "verdict": _CLASSES[result.verdict],
        "words": words,
        "facts": _facts(result),
        "objectives": _objectives(result),
        "head": _HEAD,
        "rows": [_row(row) for row in step_rows(result)],
        "errors": [error_words(row) for row in error_rows(result)],
        "plots": _plots(result),
        "about": [own_words(result), *notes(result)],
        "icon": "data:,",
        "here": "",
        "region": "",
    }
    return render_template("load.html", context, style=_STYLE)


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


def _plots(result: LoadResult) -> list[LoadPlot]:
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


def _row(row: StepRow) -> tuple[str, ...]:
    latencies = (row.p50, row.p95, row.p99, row.greatest, row.corrected_p95)
    counts = (row.passed, row.failed, row.not_measured)
    return (
        row.name,
        *(f"{count:,}" for count in counts),
        *(seconds(each) for each in latencies),
        share(row.own_share),
    )
