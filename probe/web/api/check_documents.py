"""Checks as documents of the API."""

from collections.abc import Mapping
from typing import Any

from probe.core.outcome.run_id import run_id
from probe.history.model import ResultRow
from probe.history.uptime.model import SignalSeries
from probe.report.board import CheckDetails, StatusBoard
from probe.report.json.fields import evaluation_part, failure_part, sample_part, seconds
from probe.report.status import StatusRow
from probe.web.api import documents, schemas


def check(row: StatusRow, board: StatusBoard) -> schemas.CheckModel:
    """One check in a list."""
    return schemas.CheckModel(**_check(row, board), uptime=documents.uptime(board.uptime[row.name]))


def check_detail(found: CheckDetails, board: StatusBoard) -> schemas.CheckDetailModel:
    """One check with everything that is known of it."""
    row, now = found.row, board.overview.now
    return schemas.CheckDetailModel(
        **_check(row, board),
        uptime=documents.uptime(found.uptime),
        phases={name: seconds(spent) for name, spent in (row.phases or {}).items()},
        samples=[schemas.SampleModel(**sample_part(each)) for each in row.samples],
        evaluations=[schemas.EvaluationModel(**evaluation_part(each)) for each in row.evaluations],
        facts=dict(row.facts or {}),
        series=[_series(each) for each in found.series],
        runs=[_run(each) for each in found.runs],
        incidents=[documents.incident(each, now) for each in found.incidents],
    )


def _check(row: StatusRow, board: StatusBoard) -> Mapping[str, Any]:
    services = [each.name for each in board.services if row.name in each.checks]
    failure = failure_part(row.failure)
    return {
        "name": row.name,
        "kind": row.kind,
        "target": row.target,
        "labels": dict(row.labels),
        "service": services[0] if services else "",
        "interval_seconds": row.interval,
        "verdict": documents.verdict(row.verdict),
        "since": documents.moment_or_none(row.since),
        "status": row.status.value if row.status else None,
        "last_run": documents.moment_or_none(row.last_run),
        "next_run": documents.moment_or_none(row.due),
        "duration_seconds": seconds(row.duration),
        "outdated": row.outdated,
        "failure": schemas.FailureModel(**failure) if failure else None,
    }


def _series(found: SignalSeries) -> schemas.SeriesModel:
    return schemas.SeriesModel(
        signal=found.signal,
        labels=dict(found.labels),
        points=[
            schemas.PointModel(
                start=documents.moment(each.start),
                end=documents.moment(each.end),
                count=each.count,
                p10=each.low,
                median=each.median,
                p90=each.high,
            )
            for each in found.points
        ],
    )


def _run(row: ResultRow) -> schemas.RunModel:
    return schemas.RunModel(
        id=run_id(row.check, row.at),
        started_at=documents.moment_or_none(row.at),
        duration_seconds=seconds(row.duration),
        status=row.status.value,
        verdict=documents.verdict(row.verdict) or "unknown",
        phase=row.phase,
        cause=row.cause,
        message=row.message,
    )
