"""The report for programs: JSON, ``"schema": 1``.

Keys are added, never renamed or removed, while the schema's number stays.
"""

from datetime import UTC
from typing import Any

from probe.report.json.fields import evaluation_part, failure_part, printed, sample_part, seconds
from probe.report.model import Report, ReportRow, RetriedRow, RunIncident
from probe.report.text.phrases import without_objectives
from probe.report.text.sanitize import clean

SCHEMA = 1


def render(report: Report) -> str:
    """The whole report as one JSON document in ASCII, ending in a line end."""
    started = report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "schema": SCHEMA,
        "verdict": without_objectives(report.verdict).value,
        "started_at": started,
        "duration_seconds": seconds(report.duration),
        "region": report.region,
        "version": report.version,
        "checks": [_check(row) for row in report.rows],
        "evaluations": [
            {"check": each.check, **evaluation_part(each)} for each in report.evaluations
        ],
        "skipped": [{"kind": each.kind, "reason": each.reason} for each in report.skipped],
        "retried": [_retried(each) for each in report.retried],
        "incidents": [_incident(each) for each in report.incidents],
    }
    return printed(document)


def _incident(incident: RunIncident) -> dict[str, Any]:
    return {
        "verdict": incident.verdict.value,
        "impact": [clean(each) for each in incident.losses],
        "checks": list(incident.checks),
        "places": list(incident.places),
        "services": list(incident.services),
        "runbook": incident.runbook,
        "runbook_url": incident.link or None,
        "steps": [clean(each) for each in incident.steps],
    }


def _retried(row: RetriedRow) -> dict[str, Any]:
    failure = row.result.failure
    return {
        "check": row.result.check,
        "rounds": row.rounds,
        "cause": failure.cause.value if failure else None,
        "message": clean(failure.message) if failure else None,
    }


def _check(row: ReportRow) -> dict[str, Any]:
    result = row.result
    return {
        "name": row.name,
        "kind": row.kind,
        "target": row.target,
        "labels": dict(row.labels),
        "status": result.status.value,
        "verdict": without_objectives(row.verdict).value,
        "duration_seconds": seconds(result.duration),
        "phases": {name: seconds(spent) for name, spent in result.phases.items()},
        "failure": failure_part(result.failure),
        "samples": [sample_part(each) for each in result.samples],
        "facts": dict(result.facts),
    }
