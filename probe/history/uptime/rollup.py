"""Aggregates by hour and by day, made of results once an hour is over.

Hours are made in order, from the first result on; how far they are made is stored with them, so
that a process that ends at any moment loses nothing. A result that comes for an hour that is made
already marks it, and the hour is made again. Where results of an hour have been deleted, it stays
as it is.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence

from probe.history.uptime import marks
from probe.history.uptime.model import Subject, SubjectKind
from probe.history.uptime.segments import DEFAULT_HOLD_SECONDS, of_subjects, segments
from probe.history.uptime.tables import AGGREGATE_COLUMNS, MAX_PLACES, row_id
from probe.history.uptime.totals import StateTotals, by_hour
from probe.storage.sqlite import transaction

HOUR, DAY_HOURS = 3600, 24
ROLL_SECONDS = 60.0
# A run may last 5 min, and its result counts by its begin.
CLOSED_SECONDS = 600.0
KEPT_HOURS = 400 * DAY_HOURS
# How long one call may work; what is left is made in the next one.
BUDGET_SECONDS = 1.0
# Rows that are deleted at once, at least: a clock that is ahead must not delete all.
_FEW = 100

_INSERT = f"INSERT OR REPLACE INTO {{}} ({AGGREGATE_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_COUNTS = """
SELECT checks.name, CAST(e.at / 3600 AS INTEGER), count(*), sum(e.status = 1), sum(e.status = 2)
FROM checks CROSS JOIN entries AS e INDEXED BY entries_by_check
  ON e.check_id = checks.id AND e.at >= ?1 AND e.at < ?2
GROUP BY checks.id, CAST(e.at / 3600 AS INTEGER)
"""
_VALUES = """
SELECT checks.name, bucket,
  avg(CASE WHEN place IN ((total + 1) / 2, total / 2 + 1) THEN value END),
  max(CASE WHEN place = (total * 95 + 99) / 100 THEN value END), max(value)
FROM (
  SELECT check_id, value, CAST(at / ?3 AS INTEGER) AS bucket,
    row_number() OVER (PARTITION BY check_id, CAST(at / ?3 AS INTEGER) ORDER BY value) AS place,
    count(*) OVER (PARTITION BY check_id, CAST(at / ?3 AS INTEGER)) AS total
  FROM entries INDEXED BY entries_by_time WHERE at >= ?1 AND at < ?2 AND value IS NOT NULL
) JOIN checks ON checks.id = check_id GROUP BY check_id, bucket
"""
_DAY = """
SELECT sum(up), sum(degraded), sum(down), sum(unknown), sum(runs), sum(failed), sum(unmeasured)
FROM hours WHERE id >= ? AND id < ?
"""
_NONE: tuple[None, None, None] = (None, None, None)


class Rollup:
    """Makes aggregates; all calls are of the storage thread. ``now`` is in seconds since 1970;
    ``most_rows`` are kept of hours, half as many of days. Raises sqlite3.Error."""

    def __init__(self, now: Callable[[], float], most_rows: int) -> None:
        self._now, self._most_rows = now, most_rows
        self._run_at: float | None = None
        self.groups: Sequence[Subject] = ()
        # Grows whenever aggregates are made or deleted.
        self.revision = 0

    def run(self, db: sqlite3.Connection, *, all_at_once: bool = False) -> None:
        """Make what is due, once a minute; call it as often as you like."""
        now, clock = self._now(), time.monotonic()
        # Also after a clock that went back: it may stay there.
        waits = self._run_at is not None and abs(now - self._run_at) < ROLL_SECONDS
        if waits and not all_at_once:
            return
        self._run_at = now
        closed = int((now - CLOSED_SECONDS) // HOUR)
        if not 0 <= closed < MAX_PLACES:
            return
        end = float("inf") if all_at_once else clock + BUDGET_SECONDS
        first = self._first_hour(db, closed)
        while first is not None and first < closed and time.monotonic() <= end:
            last = min(first - first % DAY_HOURS + DAY_HOURS, closed)
            with transaction(db):
                self.revision += 1
                roll(db, first, last, self.groups)
                marks.set_mark(db, marks.ROLLED_HOURS, last)
            first = last
            if first == closed:
                self._trim(db, closed)
        self._roll_again(db, end)

    def _first_hour(self, db: sqlite3.Connection, closed: int) -> int | None:
        """The first hour to make; None: there is no result yet."""
        rolled = marks.mark(db, marks.ROLLED_HOURS)
        if rolled is None:
            oldest = "SELECT min(at) FROM entries INDEXED BY entries_by_time WHERE at >= 0"
            at = db.execute(oldest).fetchone()[0]
            return None if at is None else min(int(at // HOUR), closed)
        first = int(rolled)
        if first > closed + 1:
            # The clock was ahead, or is behind: again from now, as far as results go back.
            deleted = marks.mark(db, marks.DELETED_BEFORE)
            complete = 0 if deleted is None else int(deleted // HOUR) + 1
            first = max(closed, min(complete, first))
            with transaction(db):
                marks.set_mark(db, marks.ROLLED_HOURS, first)
        return first

    def _roll_again(self, db: sqlite3.Connection, end: float) -> None:
        """Hours for which results came late."""
        deleted = marks.mark(db, marks.DELETED_BEFORE)
        for (hour,) in db.execute("SELECT hour FROM late_hours ORDER BY hour").fetchall():
            if time.monotonic() > end:
                return
            self.revision += 1
            with transaction(db):
                if deleted is None or hour * HOUR > deleted:
                    roll(db, hour, hour + 1, self.groups)
                db.execute("DELETE FROM late_hours WHERE hour = ?", (hour,))

    def _trim(self, db: sqlite3.Connection, closed: int) -> None:
        """Delete aggregates that are too old or too many."""
        with transaction(db):
            for table, oldest, most in (
                ("hours", closed - KEPT_HOURS, self._most_rows),
                ("days", (closed - KEPT_HOURS) // DAY_HOURS, self._most_rows // 2),
            ):
                _delete_old(db, table, oldest, most)


def note_late(db: sqlite3.Connection, moments: Iterable[float]) -> None:
    """Results are written that began at these moments; hours that are made already are to be
    made again, as far as such a result may hold, or one that it ends."""
    rolled = marks.mark(db, marks.ROLLED_HOURS)
    late = [] if rolled is None else [at for at in moments if 0 <= at < rolled * HOUR]
    if not late or rolled is None:
        return
    longest = db.execute("SELECT max(seconds) FROM holds").fetchone()[0] or DEFAULT_HOLD_SECONDS
    late_hours = {
        hour
        for at in late
        for hour in range(int(at // HOUR), min(int((at + longest) // HOUR) + 1, int(rolled)))
    }
    db.executemany("INSERT OR IGNORE INTO late_hours VALUES (?)", [(hour,) for hour in late_hours])


def roll(db: sqlite3.Connection, first: int, last: int, groups: Sequence[Subject]) -> None:
    """Make the hours from ``first`` until before ``last``, and the days that end in them."""
    start, end = float(first * HOUR), float(last * HOUR)
    totals = {
        key: by_hour(key[0], found, first, last)
        for key, found in of_subjects(segments(db, start, end), groups).items()
    }
    counts = {(name, hour): rest for name, hour, *rest in db.execute(_COUNTS, (start, end))}
    values = {(name, hour): rest for name, hour, *rest in db.execute(_VALUES, (start, end, HOUR))}
    numbers = _subject_numbers(db, totals)
    _clear(db, "hours", first, last)
    db.executemany(
        _INSERT.format("hours"),
        [
            _row(row_id(numbers[key], hour), total, counts.get(at), values.get(at))
            for key, found in totals.items()
            for hour, total in found.items()
            for at in [(key[1] if key[0] is SubjectKind.CHECK else None, hour)]
        ],
    )
    for day in range(first // DAY_HOURS, (last - 1) // DAY_HOURS + 1):
        if (day + 1) * DAY_HOURS <= max(last, int(marks.mark(db, marks.ROLLED_HOURS) or 0)):
            _roll_day(db, day)


def _roll_day(db: sqlite3.Connection, day: int) -> None:
    start = float(day * DAY_HOURS * HOUR)
    width = DAY_HOURS * HOUR
    values = {name: rest for name, _, *rest in db.execute(_VALUES, (start, start + width, width))}
    rows = []
    for number, kind, name in db.execute("SELECT id, kind, name FROM subjects").fetchall():
        first, last = row_id(number, day * DAY_HOURS), row_id(number, (day + 1) * DAY_HOURS)
        sums = db.execute(_DAY, (first, last)).fetchone()
        if sums[0] is not None:
            found = values.get(name, _NONE) if kind == SubjectKind.CHECK else _NONE
            rows.append((row_id(number, day), *sums, *found))
    _clear(db, "days", day, day + 1)
    db.executemany(_INSERT.format("days"), rows)


def _row(
    number: int,
    total: StateTotals,
    counts: Sequence[int] | None,
    values: Sequence[float | None] | None,
) -> tuple[object, ...]:
    states = (total.up, total.degraded, total.down, total.unknown)
    return (number, *states, *(counts or (0, 0, 0)), *(values or _NONE))


def _subject_numbers(
    db: sqlite3.Connection, keys: Iterable[tuple[SubjectKind, str]]
) -> dict[tuple[SubjectKind, str], int]:
    pairs = [(kind.value, name) for kind, name in keys]
    db.executemany("INSERT OR IGNORE INTO subjects (kind, name) VALUES (?, ?)", pairs)
    known = db.execute("SELECT kind, name, id FROM subjects").fetchall()
    return {(SubjectKind(kind), name): number for kind, name, number in known}


def _clear(db: sqlite3.Connection, table: str, first: int, last: int) -> None:
    for (number,) in db.execute("SELECT id FROM subjects").fetchall():
        ends = (row_id(number, first), row_id(number, last))
        db.execute(f"DELETE FROM {table} WHERE id >= ? AND id < ?", ends)


def _delete_old(db: sqlite3.Connection, table: str, oldest: int, most: int) -> None:
    total = int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    mask = MAX_PLACES - 1
    limit = max(total // 10, _FEW)
    db.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id & ? < ?"
        " ORDER BY id & ? LIMIT ?)",
        (mask, oldest, mask, limit),
    )
    over = int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) - most
    if over > 0:
        db.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id & ? LIMIT ?)",
            (mask, over),
        )
