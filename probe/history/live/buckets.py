"""Verdicts and values of each check by quarter of an hour, kept up result by result.

Quarters begin at full quarters of an hour (UTC), so that one that is over never changes. Values are
kept of the newest two alone; a result for an older one makes it necessary to read them again.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Mapping

from probe.core.model import Verdict
from probe.history.model import ResultRow, TimeBucket
from probe.history.queries import buckets_between
from probe.history.rows import check_names, verdict_of

BUCKET_SECONDS = 900
_NONE = TimeBucket({})
_ROWS = """
SELECT check_id, at, verdict, value FROM entries INDEXED BY entries_by_time
WHERE at >= ? AND at < ?
"""


class _Growing:
    """A quarter to which results still come."""

    __slots__ = ("values", "verdicts")

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.values: list[float] = []

    def bucket(self) -> TimeBucket:
        """As it is now."""
        values = sorted(self.values)
        if not values:
            return TimeBucket(dict(self.verdicts))
        middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
        return TimeBucket(dict(self.verdicts), middle, values[-1])


class LiveBuckets:
    """Quarters of every check; all calls are of the storage thread."""

    def __init__(self) -> None:
        self._sealed: dict[str, dict[int, TimeBucket]] = {}
        self._growing: dict[str, dict[int, _Growing]] = {}
        self._first_growing = 0
        # Equal ones are one object: a day of a healthy check has few different counts.
        self._shared: dict[tuple[tuple[Verdict, int], ...], Mapping[Verdict, int]] = {}

    def load(self, db: sqlite3.Connection, start: float, end: float) -> None:
        """Quarters that are over, from ``start`` until ``end``, which are full quarters. Raises
        Unreadable."""
        first, last = int(start // BUCKET_SECONDS), int(end // BUCKET_SECONDS)
        for number in range(first, last):
            stretch = (float(number * BUCKET_SECONDS), float((number + 1) * BUCKET_SECONDS))
            for name, bucket in buckets_between(db, stretch).items():
                self._seal(name, number, bucket)

    def load_growing(self, db: sqlite3.Connection, start: float, end: float) -> None:
        """The newest quarters from ``start`` until ``end``. Raises Unreadable."""
        self._first_growing = int(start // BUCKET_SECONDS)
        names = check_names(db)
        for check, at, verdict, value in db.execute(_ROWS, (start, end)):
            self._grow(names[check], at, verdict_of(verdict), value)

    def add(self, row: ResultRow) -> bool:
        """A result is written; False if its quarter is over already."""
        number = int(row.at // BUCKET_SECONDS)
        newest = max(self._growing.get(row.check, ()), default=number)
        if number < self._first_growing or number < newest - 1:
            return False
        value = row.value if row.value is not None and math.isfinite(row.value) else None
        self._grow(row.check, row.at, row.verdict, value)
        return True

    def forget(self, before: float) -> None:
        """Quarters that began before this moment."""
        first = int(before // BUCKET_SECONDS)
        for found in self._sealed.values():
            while found and (number := next(iter(found))) < first:
                del found[number]

    def day(self, first: int, last: int) -> dict[str, tuple[TimeBucket, ...]]:
        """Quarters ``first`` to ``last``, counted since 1970, of each check that has any."""
        places = range(first, last + 1)
        found = {}
        for name in sorted({*self._sealed, *self._growing}):
            known = {
                **self._sealed.get(name, {}),
                **{n: each.bucket() for n, each in self._growing.get(name, {}).items()},
            }
            if any(number in known for number in places):
                found[name] = tuple(known.get(number, _NONE) for number in places)
        return found

    def _grow(self, name: str, at: float, verdict: Verdict, value: float | None) -> None:
        number = int(at // BUCKET_SECONDS)
        growing = self._growing.setdefault(name, {})
        if number not in growing:
            growing[number] = _Growing()
            for old in sorted(growing)[:-2]:
                self._seal(name, old, growing.pop(old).bucket())
        cell = growing[number]
        cell.verdicts[verdict] += 1
        if value is not None:
            cell.values.append(value)

    def _seal(self, name: str, number: int, bucket: TimeBucket) -> None:
        key = tuple(sorted(bucket.verdicts.items()))
        verdicts = self._shared.setdefault(key, dict(key))
        sealed = TimeBucket(verdicts, bucket.median, bucket.greatest)
        self._sealed.setdefault(name, {})[number] = sealed
