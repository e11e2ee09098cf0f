"""In which state each check was when, from results.

A result holds until the next one begins, no longer than its check allows, and not beyond the moment
at which the probe stopped. Results count by the time at which they began, in whatever order they
were written: a late one takes its place, of two with the same time the last one written counts, and
each moment counts once, also after the clock was set back.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

from msgspec import Struct

from probe.history.uptime.model import Subject, SubjectKind
from probe.storage.sqlite_errors import Unreadable

# Of a check that no configuration names any more.
DEFAULT_HOLD_SECONDS = 300.0
MILLISECOND = 0.001


class SegmentState(IntEnum):
    """The state of a check in a stretch of time, the worst last."""

    UNKNOWN = 0
    OK = 1
    DEGRADED = 2
    DOWN = 3


class Segment(Struct, frozen=True, gc=False):
    """A stretch of one state, in whole milliseconds since 1970."""

    state: SegmentState
    start: int
    end: int


# Status 1 is failed, 2 unknown; verdict 4 is critical. An island is a run of results of one state
# without a gap in between.
_SEGMENTS = """
WITH held AS (
  SELECT checks.id AS check_id, holds.seconds AS seconds,
    CASE WHEN row_number() OVER times = 1 THEN -1e300 ELSE holds.since END AS since,
    coalesce(lead(holds.since) OVER times, 1e300) AS until
  FROM holds JOIN checks ON checks.name = holds.check_name
  WINDOW times AS (PARTITION BY checks.id ORDER BY holds.since)
), begun AS (
  SELECT id AS check_id, coalesce((
    SELECT max(at) FROM entries INDEXED BY entries_by_check
    WHERE check_id = checks.id AND at < :start), :start) AS at FROM checks
), runs AS (
  SELECT e.check_id AS check_id, e.at AS at,
    CASE e.status WHEN 0 THEN 1 WHEN 2 THEN 0 ELSE CASE e.verdict WHEN 4 THEN 3 ELSE 2 END END
      AS state,
    coalesce(held.seconds, :hold) AS seconds,
    lead(e.at) OVER (PARTITION BY e.check_id ORDER BY e.at, e.id) AS next
  FROM begun CROSS JOIN entries AS e INDEXED BY entries_by_check
    ON e.check_id = begun.check_id AND e.at >= begun.at AND e.at < :end
  LEFT JOIN held ON held.check_id = e.check_id AND e.at >= held.since AND e.at < held.until
), spans AS (
  SELECT check_id, state, max(at, :start) AS start,
    min(coalesce(next, :end), at + seconds, :end,
      coalesce((SELECT min(stops.at) FROM stops WHERE stops.at >= runs.at), :end)) AS end
  FROM runs
), marked AS (
  SELECT check_id, state, start, end,
    (lag(end) OVER places IS NOT start OR lag(state) OVER places IS NOT state) AS begins
  FROM spans WHERE end > start WINDOW places AS (PARTITION BY check_id ORDER BY start)
), islands AS (
  SELECT check_id, state, start, end,
    sum(begins) OVER (PARTITION BY check_id ORDER BY start) AS island FROM marked
)
SELECT check_id, min(state), min(start), max(end) FROM islands
GROUP BY check_id, island ORDER BY check_id, island
"""


def segments(db: sqlite3.Connection, start: float, end: float) -> dict[str, list[Segment]]:
    """The segments of each check that has any from ``start`` until ``end``, in order.

    Raises Unreadable.
    """
    names = dict(db.execute("SELECT id, name FROM checks").fetchall())
    found: defaultdict[str, list[Segment]] = defaultdict(list)
    values = {"start": start, "end": end, "hold": DEFAULT_HOLD_SECONDS}
    for check, state, begun, ended in db.execute(_SEGMENTS, values):
        if check not in names:
            raise Unreadable("an entry is of no check")
        found[names[check]].append(Segment(SegmentState(state), _whole(begun), _whole(ended)))
    return dict(found)


def group_segments(members: Iterable[Sequence[Segment]]) -> list[Segment]:
    """The segments of a group: at each moment the worst state of its checks. It is unknown only
    where no check of it was measured."""
    changes: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(SegmentState))
    for each in members:
        for segment in each:
            changes[segment.start][segment.state] += 1
            changes[segment.end][segment.state] -= 1
    counts, before, found = [0] * len(SegmentState), 0, []
    for moment in sorted(changes):
        worst = _worst(counts)
        if worst is not None and moment > before:
            found.append(Segment(worst, before, moment))
        counts = [a + b for a, b in zip(counts, changes[moment], strict=True)]
        before = moment
    return found


def of_subjects(
    found: Mapping[str, Sequence[Segment]], groups: Iterable[Subject]
) -> dict[tuple[SubjectKind, str], Sequence[Segment]]:
    """The segments of each check, and of each group that has any."""
    by_subject: dict[tuple[SubjectKind, str], Sequence[Segment]] = {
        (SubjectKind.CHECK, name): each for name, each in found.items()
    }
    for group in groups:
        merged = group_segments(found[name] for name in group.checks if name in found)
        if merged:
            by_subject[group.kind, group.name] = merged
    return by_subject


def _worst(counts: Sequence[int]) -> SegmentState | None:
    return next((state for state in reversed(SegmentState) if counts[state]), None)


def _whole(seconds: float) -> int:
    return round(seconds / MILLISECOND)
