"""What the gate's reports say, whatever they are written in."""

from probe.core.model import LimitSide, Unit
from probe.report.gate.model import (
    ComparisonRow,
    Decision,
    Estimate,
    GateReport,
    GateVerdict,
    IncidentRow,
    ObjectiveRow,
)
from probe.report.text.skipped import by_reason
from probe.report.text.time_format import duration, iso
from probe.report.text.units import plural, show

VERDICTS = {
    GateVerdict.GO: "GO",
    GateVerdict.ROLL_BACK: "ROLL BACK",
    GateVerdict.NOT_DECIDED: "NOT DECIDED",
}
SIGNS = {Decision.MET: "✓", Decision.MISSED: "✗", Decision.NOT_DECIDED: "?"}
DECISIONS = {
    Decision.MET: "met",
    Decision.MISSED: "missed",
    Decision.NOT_DECIDED: "not decided",
}
MAX_EVENTS = 20
OBJECTIVES = ("objective", "limit", "measured", "interval", "by count", "by time", "budget")
"""Headings of ``objectives``' columns."""


def headline(report: GateReport) -> str:
    """``12 of 14 objectives met, 1 missed, 1 not decided in 24 h; 3 incidents``."""
    parts = [f"{len(report.of(Decision.MET))} of {len(report.objectives)} objectives met"]
    if missed := len(report.of(Decision.MISSED)):
        parts.append(f"{missed} missed")
    if open_ := report.of(Decision.NOT_DECIDED):
        idle = sum(not row.blocks for row in open_)
        parts.append(f"{len(open_)} not decided" + (f" ({idle} without data)" if idle else ""))
    window = report.window
    passed = duration(window.elapsed)
    if not window.is_complete:
        passed += f" of {duration(window.planned)}"
    count = len(report.incidents)
    incidents = "1 incident" if count == 1 else f"{count or 'no'} incidents"
    return f"{', '.join(parts)} in {passed}; {incidents}"


def explanation(report: GateReport) -> list[str]:
    """Why it is not go: one line for each objective that keeps it from being."""
    if report.verdict is GateVerdict.ROLL_BACK:
        rows = report.of(Decision.MISSED)
    else:
        rows = [row for row in report.of(Decision.NOT_DECIDED) if row.blocks]
    return [f"{row.name}: {sentence(row)}" for row in rows]


def events(report: GateReport) -> list[str]:
    """The newest deployments and other events, each with the incidents before and after it."""
    return [f"{at}: {text}{around}" for at, text, around in event_parts(report)]


def event_parts(report: GateReport) -> list[tuple[str, str, str]]:
    """The same apart: when, what, and ``: 0 incidents before it, 3 after it``."""
    parts = []
    for each in report.markers[-MAX_EVENTS:]:
        around = ""
        if count := len(report.incidents):
            before = sum(row.start < each.at for row in report.incidents)
            around = f": {plural(before, 'incident')} before it, {count - before} after it"
        parts.append((moment(each.at), each.text, around))
    return parts


def not_checked(report: GateReport) -> list[tuple[str, str]]:
    """What was not checked: kinds, and their common reason."""
    return by_reason(report.skipped)


def silent(report: GateReport) -> list[ObjectiveRow]:
    """Objectives without any data that keep nothing from being decided."""
    return [row for row in report.objectives if row.estimate is None and not row.blocks]


def objectives(report: GateReport) -> list[tuple[ObjectiveRow, list[str]]]:
    """Each objective that has data, with its cells: the missed ones first, the met ones last."""
    return [
        (
            row,
            [
                row.name,
                f"{row.statistic} {limit(row)}",
                measured(row),
                interval(row) or "—",
                by_count(row),
                by_time(row),
                budget(row),
            ],
        )
        for decision in (Decision.MISSED, Decision.NOT_DECIDED, Decision.MET)
        for row in shown(report, decision)
    ]


def decision(row: ObjectiveRow) -> str:
    """``✓ met``."""
    return f"{SIGNS[row.decision]} {DECISIONS[row.decision]}"


def shown(report: GateReport, decision: Decision) -> list[ObjectiveRow]:
    """The others with this decision."""
    idle = {row.name for row in silent(report)}
    return [row for row in report.of(decision) if row.name not in idle]


def sentence(row: ObjectiveRow) -> str:
    """``success 95 % from 140 cases: 90 to 97.6 %, not decided (…)``."""
    end = f"{DECISIONS[row.decision]} ({row.reason})"
    if row.estimate is None:
        return end
    value = measured(row)
    if row.statistic not in row.name:
        # "error-rate: 100 %" would be read as the opposite.
        value = f"{row.statistic} {value}"
    cases = row.by_count.cases if row.by_count else 0
    counted = f" from {cases:,} {'case' if cases == 1 else 'cases'}" if cases else ""
    spread = interval(row)
    return f"{value}{counted}{': ' + spread if spread else ''}, {end}"


def measured(row: ObjectiveRow) -> str:
    """The measured value; a dash without any."""
    return show(row.estimate.value, row.unit) if row.estimate else "—"


def interval(row: ObjectiveRow) -> str:
    """``90 to 97.6 %``; empty where it is a point."""
    found = row.estimate
    if found is None or show(found.low, row.unit) == show(found.high, row.unit):
        return ""
    return f"{_without_unit(found, row.unit)} to {show(found.high, row.unit)}"


def limit(row: ObjectiveRow) -> str:
    """``≤ 500 ms``, of what."""
    if row.unit is Unit.BOOLEAN:
        return show(row.limit, row.unit)
    sign = "≤" if row.bad_side is LimitSide.ABOVE else "≥"
    return f"{sign} {show(row.limit, row.unit)}"


def budget(row: ObjectiveRow) -> str:
    """``62 % left``, ``overspent 1.4 times``; what is not proven, as such."""
    left = row.budget_left
    if left is None:
        return "—"
    if left < 0:
        times = f"overspent {show(1 - left, Unit.COUNT)} times"
        return f"perhaps {times}" if row.decision is Decision.NOT_DECIDED else times
    return f"{show(left, Unit.RATIO)} left"


def by_time(row: ObjectiveRow) -> str:
    """``4 min of 24 h bad``."""
    time = row.by_time
    if time is None or time.measured <= 0:
        return "—"
    return f"{duration(time.bad)} of {duration(time.measured)} bad"


def by_count(row: ObjectiveRow) -> str:
    """``7 of 140 bad``."""
    count = row.by_count
    return "—" if count is None or not count.cases else f"{count.bad:,} of {count.cases:,} bad"


def compared_name(row: ComparisonRow) -> str:
    """``health: probe_http_response_seconds``, ``health: runs that pass``."""
    return f"{row.check}: {row.signal or 'runs that pass'}"


def compared_value(value: float | None, unit: Unit) -> str:
    """A median or a share; a dash without one."""
    return "—" if value is None else show(value, unit)


def difference(row: ComparisonRow) -> str:
    """``+120 ms (+80 %)``, ``-2.5 percentage points``; a dash where a side is missing."""
    if row.before is None or row.after is None:
        return "—"
    change = row.after - row.before
    sign = "+" if change > 0 else ""
    text = f"{sign}{show(change, row.unit)}"
    if row.unit is Unit.RATIO:
        # "-2.5 %" would be read as a share of the share before.
        points = text.removesuffix(" %")
        return f"{points} percentage {'point' if points in ('+1', '-1') else 'points'}"
    if not row.before:
        return text
    return f"{text} ({sign}{show(change / abs(row.before), Unit.RATIO)})"


def likelihood(row: ComparisonRow) -> str:
    """``p < 0.001``, of the test with its correction."""
    if row.adjusted is None:
        return "too few values"
    return "p < 0.001" if row.adjusted < 0.001 else f"p = {row.adjusted:.3f}"


def incident(row: IncidentRow) -> str:
    """``connect_refused: health, ready``."""
    names = ", ".join(row.checks)
    return f"{row.cause}: {names}"


def lasted(row: IncidentRow) -> str:
    """``10 min``, ``10 min so far``."""
    return duration(row.duration) + (" so far" if row.end is None else "")


def moment(at: float) -> str:
    """``2026-01-01 03:12:00 UTC``."""
    text = iso(at)
    return text.replace("T", " ").replace("Z", " UTC") if text else "—"


def _without_unit(found: Estimate, unit: Unit) -> str:
    """The low end, without its unit where the high end has the same."""
    low, high = show(found.low, unit), show(found.high, unit)
    number, _, name = low.rpartition(" ")
    return number if number and name == high.rpartition(" ")[2] else low
