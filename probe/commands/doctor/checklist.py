"""The systems of the checklist, from one run of every check."""

from collections.abc import Iterator, Sequence

from probe.commands.doctor.findings import SystemItem, SystemState
from probe.core.model import Status, Verdict
from probe.report.model import Report, ReportRow
from probe.report.text.phrases import problem

_STATES = {
    Verdict.OK: SystemState.READY,
    Verdict.OBJECTIVE_MISSED: SystemState.READY,
    Verdict.WARNING: SystemState.ATTENTION,
    Verdict.UNKNOWN: SystemState.UNKNOWN,
    Verdict.CRITICAL: SystemState.NOT_READY,
}
_WORST_FIRST = (
    SystemState.NOT_READY,
    SystemState.UNKNOWN,
    SystemState.ATTENTION,
    SystemState.READY,
)


def systems(report: Report) -> list[SystemItem]:
    """One item for each kind of check, in the order of the plan."""
    kinds = dict.fromkeys(row.kind for row in report.rows)
    return [_system(kind, report) for kind in kinds]


def _system(kind: str, report: Report) -> SystemItem:
    rows = [row for row in report.rows if row.kind == kind]
    states = [_STATES[row.verdict] for row in rows]
    worst = next(state for state in _WORST_FIRST if state in states)
    count = f"{states.count(SystemState.READY)} of {len(rows)} checks pass"
    if worst is SystemState.READY:
        return SystemItem(kind, worst, "; ".join([count, *_facts(rows)]))
    row = rows[states.index(worst)]
    failure = row.result.failure
    detail = f"{count}; {row.name}: {problem(report, row)}"
    return SystemItem(kind, worst, detail, failure.hint if failure else "")


def _facts(rows: Sequence[ReportRow]) -> Iterator[str]:
    """The deployed version, where a check has seen it."""
    for row in rows:
        if row.result.status is Status.OK and (found := row.result.facts.get("version")):
            yield f"version {found}"
            return
