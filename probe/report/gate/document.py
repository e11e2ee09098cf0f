"""The gate's report for programs."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from probe.report.gate.model import EXIT_CODES, GateReport, ObjectiveRow
from probe.report.json.fields import finite, printed
from probe.report.text.time_format import iso

SCHEMA = 1


def render(report: GateReport) -> str:
    """JSON, alone."""
    return printed(document(report))


def document(report: GateReport) -> dict[str, Any]:
    """The report as values; moments are ISO 8601, durations seconds."""
    window = report.window
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "exit_code": EXIT_CODES[report.verdict],
        "started_at": iso(window.start),
        "ended_at": iso(window.end),
        "planned_seconds": window.planned,
        "elapsed_seconds": round(window.elapsed, 3),
        "region": report.region,
        "version": report.version,
        "confidence": report.confidence,
        "early": report.early or None,
        "objectives": [_objective(row) for row in report.objectives],
        "incidents": [
            {
                "started_at": iso(row.start),
                "ended_at": iso(row.end),
                "duration_seconds": round(row.duration, 3),
                "verdict": row.verdict.value,
                "checks": list(row.checks),
                "cause": row.cause,
                "message": row.message,
                "runs": row.runs,
            }
            for row in report.incidents
        ],
        "gaps": [
            {"started_at": iso(gap.start), "ended_at": iso(gap.end), "reason": gap.reason}
            for gap in report.gaps
        ],
        "events": [{"at": iso(each.at), "text": each.text} for each in report.markers],
        "comparison": [{**asdict(row), "unit": row.unit.value} for row in report.comparison],
        "series": [{**asdict(row), "unit": row.unit.value} for row in report.series],
        "costs": {row.name: row.amount for row in report.costs},
        "skipped": [{"kind": kind, "reason": reason} for kind, reason in report.skipped],
        "notes": list(report.notes),
    }


def _objective(row: ObjectiveRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "statistic": row.statistic,
        "unit": row.unit.value,
        "limit": row.limit,
        "bad": row.bad_side.value,
        "decision": row.decision.value,
        "reason": row.reason,
        "required": row.blocks,
        **_numbers("measured", asdict(row.estimate) if row.estimate else None),
        **_numbers("by_count", asdict(row.by_count) if row.by_count else None),
        **_numbers("by_time_seconds", asdict(row.by_time) if row.by_time else None),
        "budget_left_ratio": finite(row.budget_left),
    }


def _numbers(name: str, values: Mapping[str, float | None] | None) -> dict[str, Any]:
    if values is None:
        return {name: None}
    return {name: {key: finite(value) for key, value in values.items()}}
