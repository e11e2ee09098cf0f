"""Milliseconds by state in any stretch of time: aggregates where there are any, and states.

States of the last day may be in memory, sums of aggregates from the query before; what neither
has is read from the database.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Protocol

from probe.history.uptime import marks
from probe.history.uptime.model import Subject, SubjectKind
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
Sums = Sequence[tuple[Any, ...]]


class RecentStates(Protocol):
    """The states of the last day in memory, and sums of aggregates from earlier queries."""

    @property
    def sums(self) -> dict[tuple[str, int, int], Sums]:
        """By table, first and last hour or day; emptied where aggregates change."""
        ...

    def covers(self, start: float, now: float) -> bool:
        """Whether states from ``start`` until ``now`` are known."""
        ...

    def states(self, now: float) -> Mapping[str, Sequence[Segment]]:
        """The states of each check that has any up to now."""
        ...


class UptimeSource:
    """For queries of times up to ``now``; segments are read once for each stretch."""

    def __init__(
        self,
        db: sqlite3.Connection,
        groups: Sequence[Subject],
        now: float,
        recent: RecentStates | None = None,
    ) -> None:
        self._db, self._groups, self._now, self._recent = db, groups, now, recent
        self.rolled = int(marks.mark(db, marks.ROLLED_HOURS) or 0)
        self._segments: dict[tuple[float, float], Found] = {}
        self._known: Found | None = None

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
            for kind, name, *sums in self._sums(table, first, last):
                found[SubjectKind(kind), name].add_row(*sums)

    def _sums(self, table: str, first: int, last: int) -> Sums:
        key = (table, first, last)
        if self._recent is not None and key in self._recent.sums:
            return self._recent.sums[key]
        sums = self._db.execute(_SUMS.format(table), (first, last)).fetchall()
        if self._recent is not None:
            self._recent.sums[key] = sums
        return sums

    def _add_segments(self, found: Mapping[Key, StateTotals], start: float, end: float) -> None:
        if start >= end:
            return
        edges = (round(start * 1000), round(end * 1000))
        for key, each in self._found(start, end).items():
            totals = total_of(key[0], each, *edges)
            if totals.up or totals.down or totals.unknown:
                found[key].add_row(totals.up, totals.degraded, totals.down, totals.unknown)

    def _found(self, start: float, end: float) -> Found:
        """Segments of every subject, at least from ``start`` until ``end``."""
        if self._recent is not None and self._recent.covers(start, self._now):
            if self._known is None:
                self._known = of_subjects(self._recent.states(self._now), self._groups)
            return self._known
        if (start, end) not in self._segments:
            read = segments(self._db, start, end)
            self._segments[start, end] = of_subjects(read, self._groups)
        return self._segments[start, end]
