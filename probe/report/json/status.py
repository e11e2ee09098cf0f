"""The status page for programs: JSON, ``"schema": 1``.

Keys are added, never renamed or removed, while the schema's number stays. Moments are ISO
8601 in UTC; what is not known, or is no number, is null.
"""

import json
from typing import Any

from probe.core.model import Limits, Verdict
from probe.history.model import StatePeriod, TimeBucket
from probe.history.uptime.model import Uptime
from probe.report.json.fields import (
    evaluation_part,
    failure_part,
    finite,
    sample_part,
    seconds,
    whole,
)
from probe.report.status import Notice, Overview, StatusRow
from probe.report.text.phrases import without_objectives
from probe.report.text.time_format import iso

SCHEMA = 1


def render(overview: Overview) -> str:
    """The whole overview as one line of JSON in ASCII, ending in a line end."""
    document = {
        "schema": SCHEMA,
        "verdict": without_objectives(overview.verdict).value,
        "generated_at": iso(overview.now),
        "started_at": iso(overview.started_at),
        "region": overview.region,
        "version": overview.version,
        "checks": [_check(row, overview) for row in overview.rows],
        "notices": [_notice(each) for each in overview.notices],
        "skipped": [{"kind": kind, "reason": reason} for kind, reason in overview.skipped],
    }
    return json.dumps(whole(document), separators=(",", ":"), allow_nan=False) + "\n"


def _check(row: StatusRow, overview: Overview) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "target": row.target,
        "labels": dict(row.labels),
        "interval_seconds": seconds(row.interval),
        "verdict": without_objectives(row.verdict).value if row.verdict else None,
        "since": iso(row.since),
        "last_run": iso(row.last_run),
        "next_run": iso(row.due),
        "status": row.status.value if row.status else None,
        "duration_seconds": seconds(row.duration),
        "phases": {name: seconds(spent) for name, spent in (row.phases or {}).items()},
        "failure": failure_part(row.failure),
        "samples": [sample_part(each) for each in row.samples],
        "facts": dict(row.facts or {}),
        "evaluations": [evaluation_part(each) for each in row.evaluations],
        "day": _day(row, overview),
        "troubles": [_incident(each) for each in row.incidents],
        "availability": _availability(row.availability),
        "age_seconds": None if row.last_run is None else seconds(overview.now - row.last_run),
        "outdated": row.outdated,
    }


def _day(row: StatusRow, overview: Overview) -> dict[str, Any]:
    return {
        "start": iso(overview.day_start),
        "end": iso(overview.day_until),
        "signal": row.plot.name if row.plot else None,
        "unit": row.plot.unit.value if row.plot else None,
        "limits": _limits(row.limits or Limits()),
        "buckets": [_bucket(each) for each in row.day],
    }


def _availability(found: Uptime | None) -> dict[str, float | None] | None:
    """Of the last 24 hours, by time: ``ratio`` leaves out what is unknown and gaps."""
    if found is None:
        return None
    return {
        "ratio": finite(found.ratio),
        "up_seconds": seconds(found.up),
        "down_seconds": seconds(found.down),
        "unknown_seconds": seconds(found.unknown),
        "gap_seconds": seconds(found.gap),
    }


def _limits(limits: Limits) -> dict[str, float | None]:
    return {
        "objective": finite(limits.objective),
        "warning": finite(limits.warning),
        "critical": finite(limits.critical),
    }


def _bucket(bucket: TimeBucket) -> dict[str, Any]:
    counts = {verdict.value: bucket.verdicts.get(verdict, 0) for verdict in Verdict}
    return {**counts, "median": finite(bucket.median), "greatest": finite(bucket.greatest)}


def _incident(period: StatePeriod) -> dict[str, Any]:
    return {
        "start": iso(period.start),
        "end": iso(period.end),
        "verdict": period.verdict.value,
        "phase": period.phase,
        "cause": period.cause,
        "message": period.message,
        "runs": period.entries,
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "verdict": without_objectives(notice.verdict).value,
        "title": notice.title,
        "text": notice.text,
        "since": iso(notice.since),
        "link": notice.link,
    }
