"""The history's database: its tables, and how much room it takes up."""

import json
import math
import sqlite3
import struct
from pathlib import Path

from probe.history import newest_runs
from probe.history.incidents import tables as incident_tables
from probe.history.uptime import tables as uptime_tables
from probe.storage.salvage import Row
from probe.storage.sqlite import Schema
from probe.storage.sqlite import open_file as open_sqlite_file
from probe.storage.sqlite import open_memory as open_sqlite_memory
from probe.storage.sqlite import reading as reading
from probe.storage.sqlite import transaction as writing
from probe.storage.sqlite_errors import Unreadable

__all__ = ["Unreadable", "reading", "writing"]

SCHEMA_NUMBER = 1
BUSY_SECONDS = 1.5
PAGE_BYTES = 4096

# Ids of entries grow in the order of writing. Every SQLite index ends in the id, so that
# entries_by_standing finds the ends of a period without reading what is in between. entries_by_time
# covers the queries of a day, and grows at its end only.
_FIRST = {
    "checks": "CREATE TABLE checks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "series": "CREATE TABLE series (id INTEGER PRIMARY KEY, signal TEXT NOT NULL,"
    " labels TEXT NOT NULL, UNIQUE (signal, labels))",
}
_ENTRIES = {
    "entries": "CREATE TABLE entries (id INTEGER PRIMARY KEY, check_id INTEGER NOT NULL,"
    " at REAL NOT NULL, duration REAL NOT NULL, status INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL, phase TEXT NOT NULL, cause TEXT NOT NULL,"
    " message TEXT NOT NULL, value REAL, samples BLOB NOT NULL)",
}
# What is precious and small is copied first from a damaged file; what is made of results last.
_LATER = {**uptime_tables.TABLES, **newest_runs.TABLES}
_TABLES = {**_FIRST, **incident_tables.TABLES, **_ENTRIES, **_LATER}
_INDEXES = (
    "CREATE INDEX entries_by_standing ON entries (check_id, verdict)",
    "CREATE INDEX entries_by_time ON entries (at, check_id, verdict, value)",
)
_USED = (
    "SELECT id, name FROM checks LIMIT 1",
    "SELECT id, signal, labels FROM series LIMIT 1",
    "SELECT id, check_id, at, duration, status, verdict, phase, cause, message, value, samples"
    " FROM entries ORDER BY id DESC LIMIT 1",
    "SELECT id FROM entries INDEXED BY entries_by_standing WHERE check_id = 1 LIMIT 1",
    "SELECT at, check_id, verdict, value FROM entries INDEXED BY entries_by_time"
    " ORDER BY at LIMIT 1",
    *incident_tables.REQUIRED,
    *uptime_tables.REQUIRED,
    *newest_runs.REQUIRED,
)

_STATUSES, _VERDICTS = 3, 5
_SAMPLE = struct.Struct("<Id")


class _Sense:
    """Whether rows make sense, given those of the tables before."""

    def __init__(self) -> None:
        self._checks: set[int] = set()
        self._series: set[int] = set()

    def is_check(self, row: Row) -> bool:
        number, name = row
        self._checks.add(number)
        return isinstance(number, int) and isinstance(name, str)

    def is_series(self, row: Row) -> bool:
        number, signal, labels = row
        pairs = json.loads(labels)
        if not isinstance(signal, str) or not all(len(pair) == 2 for pair in pairs):
            return False
        self._series.add(number)
        return True

    def is_entry(self, row: Row) -> bool:
        _, check, at, duration, status, verdict, phase, cause, message, value, samples = row
        texts = all(isinstance(each, str) for each in (phase, cause, message))
        known = check in self._checks and status in range(_STATUSES)
        return (
            texts
            and known
            and math.isfinite(at)
            and math.isfinite(duration)
            and verdict in range(_VERDICTS)
            and isinstance(value, float | None)
            and all(number in self._series for number, _ in _SAMPLE.iter_unpack(samples))
        )


def schema(wal_pages: int) -> Schema:
    """The schema; at ``wal_pages`` pages the write-ahead log is checkpointed."""
    sense = _Sense()
    return Schema(
        name="history",
        tables=_TABLES,
        indexes=_INDEXES,
        version=SCHEMA_NUMBER,
        later=frozenset((*incident_tables.TABLES, *_LATER)),
        later_indexes=(*incident_tables.INDEXES, *uptime_tables.INDEXES),
        pragmas=(
            "auto_vacuum = INCREMENTAL",
            "journal_mode = WAL",
            # What is committed is with the kernel, and so outlives the process, however that ends.
            # Only a power failure may lose the last commits, never the file: the log is synced
            # before a checkpoint. FULL would wait for the disk at every commit instead.
            "synchronous = NORMAL",
            "secure_delete = OFF",
            f"wal_autocheckpoint = {wal_pages}",
            f"journal_size_limit = {wal_pages * PAGE_BYTES}",
        ),
        required=_USED,
        busy_seconds=BUSY_SECONDS,
        is_valid={
            "checks": sense.is_check,
            "series": sense.is_series,
            "entries": sense.is_entry,
            **incident_tables.IS_VALID,
            **uptime_tables.IS_VALID,
            **newest_runs.IS_VALID,
        },
    )


FILE_NAME = schema(1000).file


def open_memory(wal_pages: int) -> sqlite3.Connection:
    """An empty database that is gone when it is closed."""
    return open_sqlite_memory(schema(wal_pages))


def open_file(path: Path, wal_pages: int) -> sqlite3.Connection:
    """The database in a file; see ``probe.storage.sqlite.open_file``."""
    return open_sqlite_file(path, schema(wal_pages))


def checkpoint(db: sqlite3.Connection) -> None:
    """Checkpoint the write-ahead log, unless another process is reading it."""
    db.execute("PRAGMA busy_timeout = 0")
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def used_bytes(db: sqlite3.Connection) -> int:
    """What the tables and indexes take up."""
    return _page_bytes(db) * (_pages(db) - free_pages(db))


def file_bytes(db: sqlite3.Connection) -> int:
    """What the database takes up, pages that are free within it included."""
    return _page_bytes(db) * _pages(db)


def free_pages(db: sqlite3.Connection) -> int:
    """How many pages hold nothing."""
    return int(db.execute("PRAGMA freelist_count").fetchone()[0])


def _pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA page_count").fetchone()[0])


def _page_bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA page_size").fetchone()[0])


def newest_entry(db: sqlite3.Connection, check: int, before: float = float("inf")) -> float:
    """When the newest entry of a check by time began, before a time; -inf without any."""
    found = "SELECT max(at) FROM entries INDEXED BY entries_by_check WHERE check_id = ? AND at < ?"
    row = db.execute(found, (check, before)).fetchone()
    return float("-inf") if row[0] is None else float(row[0])
