"""The incidents of a report as rows of text; of many, those alike are one."""

from collections.abc import Sequence

from probe.report.gate import phrases
from probe.report.gate.model import GateReport, IncidentRow
from probe.report.text.time_format import duration

HEADINGS = ("begin", "lasted", "severity", "cause", "checks", "message")
# More rows than this, and those with one cause at the same checks are one line.
MAX_INCIDENTS = 20


def incident_lines(report: GateReport) -> list[tuple[str, ...]]:
    """The cells of each row, below ``HEADINGS``, in the order of their begins."""
    if len(report.incidents) <= MAX_INCIDENTS:
        return [_cells(row, phrases.lasted(row)) for row in report.incidents]
    alike: dict[tuple[object, ...], list[IncidentRow]] = {}
    for row in report.incidents:
        alike.setdefault((row.verdict, row.cause, row.checks), []).append(row)
    lines = [_cells(rows[0], _together(rows)) for rows in alike.values()]
    more = len(lines) - MAX_INCIDENTS
    if more <= 0:
        return lines
    left = sum(len(rows) for rows in [*alike.values()][MAX_INCIDENTS:])
    return [*lines[:MAX_INCIDENTS], (f"and {left} more", *[""] * (len(HEADINGS) - 1))]


def _together(rows: Sequence[IncidentRow]) -> str:
    if len(rows) == 1:
        return phrases.lasted(rows[0])
    now = ", the last until now" if rows[-1].end is None else ""
    return f"{len(rows)} times, {duration(sum(row.duration for row in rows))} in all{now}"


def _cells(row: IncidentRow, lasted: str) -> tuple[str, ...]:
    begin, checks = phrases.moment(row.start), ", ".join(row.checks)
    return (begin, lasted, row.verdict.value, row.cause, checks, row.message)
