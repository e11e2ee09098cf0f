"""A check's own page: state, last failure, uptime, every signal over time, its last runs."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from probe.core.model import Limits, Signal, Status, Unit, Verdict
from probe.core.outcome.run_id import run_id
from probe.history.model import ResultRow
from probe.history.uptime.model import SignalSeries
from probe.report.board import CheckDetails
from probe.report.html.charts.chart import Chart, chart_of
from probe.report.html.charts.strips import day_bars, status_strip
from probe.report.html.check_lines import age, next_run
from probe.report.html.incident_view import view_of
from probe.report.html.page import REFRESH, icon
from probe.report.html.templates import policy
from probe.report.html.templates import render as render_template
from probe.report.html.windows import RANGES, range_named, uptime_rows
from probe.report.status import StatusRow
from probe.report.text.headline import day_summary, figures, problem
from probe.report.text.phrases import SYMBOLS, limit_of, value_and_limit, without_objectives
from probe.report.text.sanitize import truncate
from probe.report.text.units import ABSENT, show

# How many of each are shown.
MAX_CHARTS, MAX_RUNS, MAX_PERIODS, MAX_INCIDENTS = 24, 20, 20, 10
_UNITS = (("_seconds", Unit.SECONDS), ("_bytes", Unit.BYTES), ("_ratio", Unit.RATIO))
_VERDICTS = {
    Status.OK: Verdict.OK,
    Status.FAILED: Verdict.CRITICAL,
    Status.UNKNOWN: Verdict.UNKNOWN,
}


class RunTimes(Struct, frozen=True, gc=False):
    """One of the newest runs, with what is not kept in history: ``phases`` are (name, seconds), in
    order. ``at`` is when it began, in seconds since 1970."""

    at: float
    duration: float
    status: Status
    phases: tuple[tuple[str, float], ...] = ()
    phase: str = ""
    cause: str = ""
    message: str = ""


class FallBar(Struct, frozen=True):
    """A phase of a waterfall: where it begins and how long it is, in percent of the run."""

    name: str
    start: float
    width: float
    value: str


class RunLine(Struct, frozen=True):
    """A run by its id, with its waterfall; ``values`` are what it measured."""

    id: str
    run: RunTimes
    verdict: Verdict
    bars: tuple[FallBar, ...]
    values: tuple[tuple[str, str], ...] = ()


def render(
    details: CheckDetails,
    *,
    now: float,
    region: str,
    newest: Sequence[RunTimes] = (),
    shown: str = RANGES[0].name,
    base: str = "",
) -> tuple[str, str]:
    """The document, and the Content-Security-Policy that it needs. ``newest`` are the newest runs
    with their phases, newest first; ``shown`` is the range of the charts (``24h``)."""
    row = details.row
    verdict = without_objectives(row.verdict) if row.verdict else Verdict.UNKNOWN
    name = truncate(row.name, 120)
    context = {
        "title": f"{SYMBOLS[verdict]} {name} · probe {truncate(region, 40)}".strip(),
        "icon": icon(verdict),
        "row": row,
        "now": now,
        "region": region,
        "base": base,
        "here": "",
        "refresh": REFRESH,
        "problem": problem(row),
        **_newest(row, now),
        "days": day_bars(details.uptime.days),
        "uptime": uptime_rows(details.uptime),
        "objective": details.uptime.objective,
        "ranges": RANGES,
        "shown": shown,
        "charts": charts_of(row, details.series, now - range_named(shown).seconds, now),
        "runs": _runs(row.name, details.runs, newest),
        "incidents": [view_of(each) for each in details.incidents[:MAX_INCIDENTS]],
        "periods": row.incidents[:MAX_PERIODS],
    }
    return render_template("check.html", context), policy()


def _newest(row: StatusRow, now: float) -> Mapping[str, object]:
    """The newest run and the last 24 hours."""
    return {
        "age": age(row, now),
        "next_run": next_run(row, now),
        "figures": figures(row, now),
        "limits": _limits(row),
        "strip": status_strip(row),
        "day_summary": day_summary(row),
    }


def charts_of(
    row: StatusRow, series: Iterable[SignalSeries], start: float, end: float
) -> list[Chart]:
    """A chart of each signal that was measured, the plotted one first."""
    signals, limits = _signals(row), _limits_by_signal(row)
    plotted = row.plot.name if row.plot else ""
    ordered = sorted(series, key=lambda each: each.signal != plotted)
    found = (
        chart_of(
            each,
            signals.get(each.signal) or _unknown(each.signal),
            limits.get(each.signal),
            start,
            end,
        )
        for each in ordered
    )
    return [chart for chart in found if chart is not None][:MAX_CHARTS]


def _signals(row: StatusRow) -> dict[str, Signal]:
    known = [*row.headline, *(sample.signal for sample in row.samples)]
    known += [evaluation.threshold.signal for evaluation in row.evaluations]
    known += [row.plot] if row.plot else []
    return {signal.name: signal for signal in known}


def _limits_by_signal(row: StatusRow) -> dict[str, Limits]:
    found = {each.threshold.signal.name: each.threshold.limits for each in row.evaluations}
    if row.plot is not None and row.limits is not None:
        found.setdefault(row.plot.name, row.limits)
    return found


def _unknown(name: str) -> Signal:
    """A signal that the newest run lacks: its unit is the end of its name."""
    unit = next((unit for end, unit in _UNITS if name.endswith(end)), Unit.COUNT)
    return Signal(name, unit, "")


def _limits(row: StatusRow) -> list[dict[str, object]]:
    """Every threshold with its value: what is exceeded comes first."""
    ordered = sorted(row.evaluations, key=lambda each: each.verdict is Verdict.OK)
    return [
        {
            "name": truncate(
                " ".join(
                    [
                        each.threshold.signal.column or each.threshold.signal.name,
                        *each.labels.values(),
                    ]
                ),
                80,
            ),
            "aggregation": each.threshold.aggregation.value,
            "value": _value(each.value, each.threshold.signal.unit),
            "limits": [
                _value(limit, each.threshold.signal.unit)
                for limit in (
                    each.threshold.limits.objective,
                    each.threshold.limits.warning,
                    each.threshold.limits.critical,
                )
            ],
            "verdict": each.verdict,
            "says": ", ".join(value_and_limit(each)) if limit_of(each) is not None else "",
        }
        for each in ordered
    ]


def _value(value: float | None, unit: Unit) -> str:
    return ABSENT if value is None else show(value, unit)


def _runs(check: str, stored: Sequence[ResultRow], newest: Sequence[RunTimes]) -> list[RunLine]:
    """The newest runs; those that are only in history have no phases."""
    known = {round(run.at, 3): run for run in newest}
    rows = {round(row.at, 3): row for row in stored}
    times = sorted({*known, *rows}, reverse=True)[:MAX_RUNS]
    return [_run_line(check, known.get(at) or _of_row(rows[at]), rows.get(at)) for at in times]


def _of_row(row: ResultRow) -> RunTimes:
    phases = tuple(
        (dict(labels)["phase"], value)
        for _, labels, value in row.samples
        if "phase" in dict(labels)
    )
    return RunTimes(row.at, row.duration, row.status, phases, row.phase, row.cause, row.message)


def _run_line(check: str, run: RunTimes, row: ResultRow | None) -> RunLine:
    verdict = row.verdict if row is not None else _VERDICTS[run.status]
    return RunLine(run_id(check, run.at), run, verdict, tuple(_bars(run)), _values(row))


def _bars(run: RunTimes) -> Iterable[FallBar]:
    """Each phase begins where the one before it ended."""
    total = max(run.duration, sum(seconds for _, seconds in run.phases))
    start = 0.0
    for name, seconds in run.phases:
        if total > 0:
            width = 100 * seconds / total
            yield FallBar(truncate(name, 40), start, width, show(seconds, Unit.SECONDS))
            start += width


def _values(row: ResultRow | None) -> tuple[tuple[str, str], ...]:
    samples = row.samples if row is not None else ()
    return tuple(
        (
            truncate(" ".join([name, *(value for _, value in labels)]), 100),
            show(value, _unknown(name).unit),
        )
        for name, labels, value in samples[:24]
    )
