"""The report for programs: JSON, ``"schema": 1``.

Keys are added, never renamed or removed, while the schema's number stays.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from probe.model import Evaluation, Failure, Sample
from probe.report.model import Report, Row
from probe.report.words import quiet

SCHEMA = 1


def render(report: Report) -> str:
    """The whole report as one JSON document in ASCII, ending in a line end."""
    started = report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "schema": SCHEMA,
        "verdict": quiet(report.verdict).value,
        "started_at": started,
        "duration_seconds": _seconds(report.duration),
        "region": report.region,
        "version": report.version,
        "checks": [_check(row) for row in report.rows],
        "evaluations": [_evaluation(each) for each in report.evaluations],
        "skipped": [{"kind": each.kind, "reason": each.reason} for each in report.skipped],
    }
    text = json.dumps(_whole(document), indent=2, allow_nan=False)
    # The same text to a parser, and no ``##[command]`` to a CI service that reads the log.
    return text.replace("##", "#\\u0023") + "\n"


def _check(row: Row) -> dict[str, Any]:
    result = row.result
    return {
        "name": row.name,
        "kind": row.kind,
        "target": row.target,
        "labels": dict(row.labels),
        "status": result.status.value,
        "verdict": quiet(row.verdict).value,
        "duration_seconds": _seconds(result.duration),
        "phases": {name: _seconds(spent) for name, spent in result.phases.items()},
        "failure": _failure(result.failure),
        "samples": [_sample(each) for each in result.samples],
        "facts": dict(result.facts),
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {
        "phase": failure.phase,
        "cause": failure.cause.value,
        "message": failure.message,
        "hint": failure.hint,
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "signal": sample.signal.name,
        "value": _finite(sample.value),
        "unit": sample.signal.unit.value,
        "labels": dict(sample.labels),
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    threshold = evaluation.threshold
    return {
        "check": evaluation.check,
        "signal": threshold.signal.name,
        "labels": dict(evaluation.labels),
        "aggregation": threshold.aggregation.value,
        "value": _finite(evaluation.value),
        "unit": threshold.signal.unit.value,
        "objective": _finite(threshold.limits.objective),
        "warning": _finite(threshold.limits.warning),
        "critical": _finite(threshold.limits.critical),
        "verdict": evaluation.verdict.value,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _seconds(value: float) -> float | None:
    """Seconds to the microsecond: the rest is the clock's noise."""
    return round(value, 6) if math.isfinite(value) else None


def _whole(value: Any) -> Any:
    """Replace lone surrogates (a target's JSON can hold them): strict parsers refuse them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
