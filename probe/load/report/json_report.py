"""A load for programs: JSON, ``"schema": 1``. Keys are added, never renamed or removed."""

import math
from datetime import UTC
from typing import Any

from msgspec.structs import asdict

from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import LoadPlan
from probe.load.result import ErrorRow, LoadResult, StepRow, error_rows, notes, step_rows
from probe.load.verdict import ObjectiveResult
from probe.report.json.fields import printed

SCHEMA = 1


def render(result: LoadResult) -> str:
    """The whole report as one JSON document in ASCII, ending in a line end."""
    return printed(_document(result))


def _document(result: LoadResult) -> dict[str, Any]:
    found = result.statistics
    return {
        "schema": SCHEMA,
        "kind": "load",
        "verdict": result.verdict.value,
        "target": result.target,
        "started_at": result.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration_seconds": _number(found.elapsed),
        "region": result.region,
        "version": result.version,
        "stopped_by": found.stopped_by,
        "interrupted": result.interrupted,
        "plan": _plan(result.plan),
        "budget": {"limit": asdict(result.limit), "used": asdict(found.used)},
        "limits_met": list(result.limits_met),
        "workers": {"count": result.workers, "lost": list(result.lost)},
        "iterations": {
            "begun": found.iterations,
            "completed": found.completed,
            "cut_off": found.cut_off,
            "not_started": found.not_started,
        },
        "steps": [_step(each) for each in step_rows(result)],
        "errors": [_error(each) for each in error_rows(result)],
        "objectives": [_objective(each) for each in result.objectives],
        "own": _own(found),
        "coordinated_omission": _correction(result),
        "timeline": _timeline(found),
        "notes": list(notes(result)),
    }


def _plan(plan: LoadPlan) -> dict[str, Any]:
    return {
        "model": "open" if plan.is_open else "closed",
        "users": plan.users,
        "duration_seconds": plan.duration,
        "rate": plan.rate,
        "ramp_seconds": plan.ramp,
        "think_seconds": plan.think,
        "steps": list(plan.steps),
    }


def _error(row: ErrorRow) -> dict[str, Any]:
    return {**asdict(row), "cause": row.cause.value, "phase": row.phase or None}


def _correction(result: LoadResult) -> dict[str, Any]:
    if result.plan.is_open:
        return {"corrected_by": "intended_start", "expected_interval_seconds": None}
    interval = _number(result.expected_interval)
    return {"corrected_by": "expected_interval", "expected_interval_seconds": interval}


def _step(row: StepRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "passed": row.passed,
        "failed": row.failed,
        "not_measured": row.not_measured,
        "p50_seconds": row.p50,
        "p95_seconds": row.p95,
        "p99_seconds": row.p99,
        "max_seconds": row.greatest,
        "corrected_p95_seconds": row.corrected_p95,
        "own_share": row.own_share,
    }


def _objective(each: ObjectiveResult) -> dict[str, Any]:
    return {
        "name": each.name,
        "unit": each.unit.value,
        "value": each.value,
        "objective": each.objective,
        "bad": each.bad.value,
        "samples": each.samples,
        "own": _number(each.own),
        "low": each.low,
        "high": each.high,
        "verdict": each.verdict.value,
        "reason": each.reason or None,
    }


def _own(found: LoadStatistics) -> dict[str, Any]:
    own = found.own
    return {
        "loop_lag_p50_seconds": own.lag.quantile(0.5),
        "loop_lag_p95_seconds": own.lag.quantile(0.95),
        "loop_lag_max_seconds": own.lag.maximum,
        "cpu_seconds": _number(own.cpu),
        "busiest_worker_cpu_ratio": _number(own.busiest),
        "is_busy": own.is_busy,
        "clock_step_seconds": _number(own.clock_step),
        "suspended_seconds": _number(own.suspended),
    }


def _timeline(found: LoadStatistics) -> dict[str, Any]:
    return {
        "slot_seconds": found.timeline.width,
        "slots": [
            {
                "passed": slot.passed,
                "failed": slot.failed,
                "not_measured": slot.not_measured,
                "users": slot.users,
                "p95_seconds": {step: slot.quantile(step, 0.95) for step in slot.latencies},
            }
            for slot in found.timeline.slots
        ],
    }


def _number(value: float) -> float:
    return round(value, 6) if math.isfinite(value) else 0.0
