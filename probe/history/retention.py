"""How much is kept, how aggregates are made in time, and how the rest is deleted.

The wall clock can't be trusted: it may jump a year ahead and come back an hour later. So age alone
never deletes much. A sweep, once a minute, takes at most two entries for each one written since the
last sweep, and at most a tenth of all: that keeps pace, and catches up after a long stop, and an
hour with a wrong clock costs two hours of history, not all of it. Entries from the future stay;
they are deleted when the clock is past them, or by size.

Size goes by what the pages hold, in the order of writing, whatever the clock says.
"""

import sqlite3
from collections.abc import Callable, Sequence

from msgspec import Struct

from probe.history.database import (
    PAGE_BYTES,
    checkpoint,
    file_bytes,
    free_pages,
    used_bytes,
    writing,
)
from probe.history.incidents import queries as incidents
from probe.history.uptime import marks
from probe.history.uptime.model import Subject
from probe.history.uptime.rollup import Rollup

SWEEP_SECONDS = 60.0
# Hourly aggregates may take up a quarter of the bytes, at so many for each; daily ones an eighth.
_AGGREGATE_BYTES = 80
_DELETED_FOR_WRITTEN = 2
_FEW = 10
# Of entries to delete and of pages to give back in one transaction: what a transaction
# touches is in the write-ahead log for a while, and that is to stay small.
_PORTION = 5000
_PAGES = 500


class Retention(Struct, frozen=True):
    """How long entries are kept, and how many bytes file and log may take up."""

    seconds: float = 30 * 86400
    bytes: int = 256 << 20

    @property
    def aggregates(self) -> int:
        """How many hourly aggregates are kept, within 400 days; half as many daily ones."""
        return max(1000, self.bytes // 4 // _AGGREGATE_BYTES)

    @property
    def wal_pages(self) -> int:
        """How many pages the write-ahead log may have."""
        return max(16, min(1000, self.bytes // 16 // PAGE_BYTES))

    def within(self, other: "Retention") -> "Retention":
        """The narrower of both."""
        return Retention(min(self.seconds, other.seconds), min(self.bytes, other.bytes))


MEMORY_BOUNDS = Retention(seconds=2 * 86400, bytes=16 << 20)


class Trimmer:
    """Keeps databases within bounds. ``now`` is in seconds since 1970."""

    def __init__(self, bounds: Retention, now: Callable[[], float]) -> None:
        self._bounds, self._now = bounds, now
        self._written = 0
        self._swept_at: float | None = None
        self._rollup = Rollup(now, bounds.aggregates)

    @property
    def groups(self) -> Sequence[Subject]:
        """Providers and services, of which aggregates are made too."""
        return self._rollup.groups

    @groups.setter
    def groups(self, groups: Sequence[Subject]) -> None:
        self._rollup.groups = groups

    @property
    def revision(self) -> int:
        """Grows whenever aggregates are made or deleted."""
        return self._rollup.revision

    def trim(self, db: sqlite3.Connection, written: int) -> None:
        """Call it after writing so many entries. Raises sqlite3.Error."""
        self._written += written
        now = self._now()
        self._rollup.run(db)
        # Also after a clock that went back: it may stay there.
        if self._swept_at is None or abs(now - self._swept_at) >= SWEEP_SECONDS:
            self._sweep(db, now)
        if file_bytes(db) > self._most_bytes:
            self._rollup.run(db, all_at_once=True)
            self._shrink(db)

    @property
    def _most_bytes(self) -> int:
        return self._bounds.bytes - self._bounds.wal_pages * PAGE_BYTES

    def _sweep(self, db: sqlite3.Connection, now: float) -> None:
        most = min(self._written * _DELETED_FOR_WRITTEN, max(_tenth(db), _FEW))
        old = "entries INDEXED BY entries_by_time WHERE at < ? ORDER BY at LIMIT ?"
        values = (now - self._bounds.seconds, most)
        with writing(db):
            newest = db.execute(f"SELECT max(at) FROM (SELECT at FROM {old})", values).fetchone()
            marks.note_deleted(db, newest[0])
            db.execute(f"DELETE FROM entries WHERE id IN (SELECT id FROM {old})", values)
            incidents.trim(db, now)
        self._swept_at, self._written = now, 0

    def _shrink(self, db: sqlite3.Connection) -> None:
        # Counts pages in use: a file that can't shrink now, because another process reads it, is no
        # reason to delete more.
        while used_bytes(db) > self._most_bytes and _delete_oldest_tenth(db, self._now()):
            pass
        _give_back(db)


def _delete_oldest_tenth(db: sqlite3.Connection, now: float) -> bool:
    """False if there was nothing to delete."""
    first = db.execute("SELECT min(id) FROM entries").fetchone()[0]
    if first is None:
        return False
    end = first + _tenth(db) + 1
    for start in range(first, end, _PORTION):
        before = min(start + _PORTION, end)
        newest = "SELECT max(at) FROM entries WHERE id < ? AND at <= ?"
        with writing(db):
            marks.note_deleted(db, db.execute(newest, (before, now)).fetchone()[0])
            db.execute("DELETE FROM entries WHERE id < ?", (before,))
    return True


def _tenth(db: sqlite3.Connection) -> int:
    """About how many entries a tenth of them are: ids have few gaps."""
    ends = "SELECT (SELECT max(id) FROM entries) - (SELECT min(id) FROM entries)"
    return int(db.execute(ends).fetchone()[0] or 0) // 10


def _give_back(db: sqlite3.Connection) -> None:
    """Make the file as small as its contents."""
    free = free_pages(db)
    while free:
        # A script, because a single statement gives back one page with each step.
        db.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
        before, free = free, free_pages(db)
        if free >= before:
            break
    checkpoint(db)
