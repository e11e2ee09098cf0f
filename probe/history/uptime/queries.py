"""Uptime of windows and days, from aggregates where there are any, else from results.

Each is a function of a database inside a read transaction.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from probe.history.uptime import marks
from probe.history.uptime.model import BAR_DAYS, DAY_SECONDS, WINDOWS, Subject, SubjectKind, Uptime
from probe.history.uptime.rollup import DAY_HOURS, HOUR
from probe.history.uptime.segments import Segment, of_subjects, segments
from probe.history.uptime.tables import row_id
from probe.history.uptime.totals import Key, StateTotals, total_of

_SUMS = """
SELECT subjects.kind, subjects.name, sum(a.up), sum(a.degraded), sum(a.down), sum(a.unknown)
FROM subjects CROSS JOIN {} AS a
  ON a.id >= (subjects.id << 24) + ?1 AND a.id < (subjects.id << 24) + ?2
GROUP BY subjects.id
"""
_EACH = """
SELECT id & 16777215, up, degraded, down, unknown FROM {} WHERE id >= ? AND id < ?
"""

Found = Mapping[Key, Sequence[Segment]]


def windows(
    db: sqlite3.Connection,
    groups: Sequence[Subject],
    now: float,
    lengths: Sequence[float] = WINDOWS,
) -> dict[Key, tuple[Uptime, ...]]:
    """Uptime of every check and group in windows of these lengths that end now; only of those
    that have any result in one of them."""
    source = _UptimeSource(db, groups)
    found = [source.totals(_start(now, length), now) for length in lengths]
    keys = dict.fromkeys(key for each in found for key in each)
    return {
        key: tuple(
            each.get(key, StateTotals()).uptime(_start(now, length), now)
            for each, length in zip(found, lengths, strict=True)
        )
        for key in keys
    }


def between(
    db: sqlite3.Connection, groups: Sequence[Subject], start: float, end: float
) -> dict[Key, Uptime]:
    """Uptime of every check and group that has any from ``start`` until ``end``."""
    found = _UptimeSource(db, groups).totals(start, end)
    return {key: totals.uptime(start, end) for key, totals in found.items()}


def days(
    db: sqlite3.Connection,
    groups: Sequence[Subject],
    wanted: Iterable[Subject],
    now: float,
    number: int = BAR_DAYS,
) -> dict[Key, tuple[Uptime, ...]]:
    """The last UTC days of each of these subjects, oldest first; the last one is today, until
    now. A day without any result is all gap."""
    source = _UptimeSource(db, groups)
    today = int(now // DAY_SECONDS)
    whole = min(today, source.rolled // DAY_HOURS)
    open_days = [
        (day, source.totals(day * DAY_SECONDS, min((day + 1) * DAY_SECONDS, now)))
        for day in range(max(whole, today - number + 1), today + 1)
    ]
    found = {}
    for subject in wanted:
        key = (subject.kind, subject.name)
        by_day = source.rows("days", key, today - number + 1, whole)
        for day, totals in open_days:
            by_day[day] = totals.get(key, StateTotals())
        found[key] = tuple(
            by_day.get(day, StateTotals()).uptime(
                day * DAY_SECONDS, min((day + 1) * DAY_SECONDS, now)
            )
            for day in range(today - number + 1, today + 1)
        )
    return found


class _UptimeSource:
    """Aggregates and segments of one database; segments are read once for each stretch."""

    def __init__(self, db: sqlite3.Connection, groups: Sequence[Subject]) -> None:
        self._db, self._groups = db, groups
        self.rolled = int(marks.mark(db, marks.ROLLED_HOURS) or 0)
        self._segments: dict[tuple[float, float], Found] = {}

    def totals(self, start: float, end: float) -> dict[Key, StateTotals]:
        """All subjects from ``start`` until ``end``."""
        found: defaultdict[Key, StateTotals] = defaultdict(StateTotals)
        first, last = ceil(start / HOUR), min(int(end // HOUR), self.rolled)
        if first >= last:
            self._add_segments(found, start, end)
            return found
        self._add_segments(found, start, float(first * HOUR))
        self._add_hours(found, first, last)
        self._add_segments(found, float(last * HOUR), end)
        return found

    def rows(self, table: str, key: Key, first: int, last: int) -> dict[int, StateTotals]:
        """One subject's aggregates by their place."""
        number = self._db.execute(
            "SELECT id FROM subjects WHERE kind = ? AND name = ?", (key[0].value, key[1])
        ).fetchone()
        if number is None or first >= last:
            return {}
        ends = (row_id(number[0], first), row_id(number[0], last))
        return {
            place: StateTotals(*states)
            for place, *states in self._db.execute(_EACH.format(table), ends)
        }

    def _add_hours(self, found: Mapping[Key, StateTotals], first: int, last: int) -> None:
        """Whole days from the days, the rest from the hours."""
        day, end = ceil(first / DAY_HOURS), last // DAY_HOURS
        if day >= end:
            self._add(found, "hours", first, last)
            return
        self._add(found, "hours", first, day * DAY_HOURS)
        self._add(found, "days", day, end)
        self._add(found, "hours", end * DAY_HOURS, last)

    def _add(self, found: Mapping[Key, StateTotals], table: str, first: int, last: int) -> None:
        if first < last:
            for kind, name, *sums in self._db.execute(_SUMS.format(table), (first, last)):
                found[SubjectKind(kind), name].add_row(*sums)

    def _add_segments(self, found: Mapping[Key, StateTotals], start: float, end: float) -> None:
        if start >= end:
            return
        if (start, end) not in self._segments:
            read = segments(self._db, start, end)
            self._segments[start, end] = of_subjects(read, self._groups)
        edges = (round(start * 1000), round(end * 1000))
        for key, each in self._segments[start, end].items():
            totals = total_of(key[0], each, *edges)
            found[key].add_row(totals.up, totals.degraded, totals.down, totals.unknown)


def _start(now: float, length: float) -> float:
    """At a full hour for a window longer than a day, whose first hour has no results any more."""
    start = now - length
    return float(ceil(start / HOUR) * HOUR) if length > DAY_SECONDS else start
