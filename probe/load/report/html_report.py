"""A load as one HTML file with plots, which loads nothing from elsewhere."""

from probe.core.model import Verdict
from probe.load.measurement.statistics import ITERATION
from probe.load.report.plots import LoadChart, outcomes, over_time, percentiles
from probe.load.report.table import HEAD, MARKS, cells
from probe.load.report.texts import (
    error_text,
    generator_text,
    headline,
    iterations_text,
    lost_workers_text,
    objective_text,
    plan_text,
    spending_text,
)
from probe.load.result import LoadResult, error_rows, notes, step_rows
from probe.report.html.page import icon
from probe.report.html.templates import render as render_template
from probe.report.text.time_format import iso

_PLOTTED = ("response", "session", "round_trip", "credentials", "call", "journey")
_CLASSES = {
    Verdict.OK: "ok",
    Verdict.OBJECTIVE_MISSED: "critical",
    Verdict.UNKNOWN: "unknown",
}


def render(result: LoadResult) -> str:
    """The whole page."""
    context = {
        "headline": headline(result),
        "target": result.target,
        "colour": _CLASSES[result.verdict],
        "mark": MARKS[result.verdict],
        "facts": _facts(result),
        "objectives": _objectives(result),
        "head": HEAD,
        "rows": [cells(row) for row in step_rows(result)],
        "errors": [error_text(row) for row in error_rows(result)],
        "charts": _charts(result),
        "notes": [generator_text(result), *notes(result)],
        "icon": icon(),
    }
    return render_template("load.html", context, style="load.css")


def _facts(result: LoadResult) -> list[str]:
    return [
        f"{iso(result.started_at.timestamp())}, {plan_text(result.plan)}",
        iterations_text(result),
        f"Used {spending_text(result.statistics.used)}",
        f"Budget {spending_text(result.limit)}",
        *lost_workers_text(result),
        *(f"Limit of the target: {each}" for each in result.limits_met),
    ]


def _objectives(result: LoadResult) -> list[str]:
    return [f"{MARKS[each.verdict]} {objective_text(each)}" for each in result.objectives]


def _charts(result: LoadResult) -> list[LoadChart]:
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
