"""Queries, as functions of a database inside a read transaction."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from probe.core.model import Verdict
from probe.history.database import Unreadable
from probe.history.model import ResultRow, TimeBucket
from probe.history.rows import COLUMNS, Reader, check_names, verdict_of

# SQLite counts and sorts one bucket at a time: little memory, and the GIL is released meanwhile.
_COUNTS = """
SELECT check_id, verdict, count(*), max(value)
FROM entries INDEXED BY entries_by_time WHERE at >= ? AND at < ?
GROUP BY check_id, verdict
"""
_MEDIANS = """
SELECT check_id, min(value), max(value) FROM (
  SELECT check_id, value, row_number() OVER (PARTITION BY check_id ORDER BY value) AS place,
    count(*) OVER (PARTITION BY check_id) AS total
  FROM entries INDEXED BY entries_by_time WHERE at >= ? AND at < ? AND value IS NOT NULL
) WHERE place IN ((total + 1) / 2, total / 2 + 1) GROUP BY check_id
"""
_RECENT = f"""
SELECT {COLUMNS} FROM entries WHERE id IN (
  SELECT id FROM entries INDEXED BY entries_by_time WHERE at >= ? ORDER BY id DESC LIMIT ?
) ORDER BY id
"""


def recent(db: sqlite3.Connection, since: float, most: int) -> list[ResultRow]:
    """The newest entries begun at or after ``since``, at most so many, oldest first."""
    reader = Reader(db)
    return [reader.entry(row) for row in db.execute(_RECENT, (since, most))]


def buckets_between(db: sqlite3.Connection, stretch: tuple[float, float]) -> dict[str, TimeBucket]:
    """Entries begun in one stretch, of each check that has any. Raises Unreadable."""
    names = check_names(db)
    found = _bucket_of_each(db, stretch)
    if not found.keys() <= names.keys():
        raise Unreadable("an entry is of no check")
    return {names[check]: bucket for check, bucket in found.items()}


def _bucket_of_each(db: sqlite3.Connection, stretch: tuple[float, float]) -> dict[int, TimeBucket]:
    verdicts: defaultdict[int, dict[Verdict, int]] = defaultdict(dict)
    greatest: dict[int, list[float]] = defaultdict(list)
    for check, verdict, count, value in db.execute(_COUNTS, stretch):
        verdicts[check][verdict_of(verdict)] = count
        if value is not None:
            greatest[check].append(value)
    medians = {check: (low + high) / 2 for check, low, high in _medians(db, stretch)}
    return {
        check: TimeBucket(counts, medians.get(check), max(greatest[check], default=None))
        for check, counts in verdicts.items()
    }


def _medians(db: sqlite3.Connection, stretch: tuple[float, float]) -> list[Any]:
    """(check, the lower and the higher of the two values in the middle)."""
    return db.execute(_MEDIANS, stretch).fetchall()


def newest(db: sqlite3.Connection, checks: Sequence[str]) -> list[ResultRow]:
    """The newest entry of each of these checks that has any."""
    numbers = {name: number for number, name in check_names(db).items()}
    reader = Reader(db)
    found = []
    for name in checks:
        row = db.execute(
            f"SELECT {COLUMNS} FROM entries WHERE id ="
            " (SELECT max(id) FROM entries INDEXED BY entries_by_standing WHERE check_id = ?)",
            (numbers.get(name),),
        ).fetchone()
        if row is not None:
            found.append(reader.entry(row))
    return found


def last_runs(db: sqlite3.Connection, check: str, most: int) -> list[ResultRow]:
    """The newest entries of a check by the time at which they began, newest first."""
    reader = Reader(db)
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries INDEXED BY entries_by_check"
        " WHERE check_id = (SELECT id FROM checks WHERE name = ?)"
        " ORDER BY at DESC, id DESC LIMIT ?",
        (check, most),
    )
    return [reader.entry(row) for row in rows]
