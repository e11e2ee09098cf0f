"""The database: its file, its tables, and what SQLite's errors mean for us."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "history.sqlite"
SCHEMA_NUMBER = 1
BUSY_SECONDS = 2.0
PAGE_BYTES = 4096

# Ids of entries grow in the order of writing. Every SQLite index ends in the id, so that
# entries_by_standing finds the ends of a spell without reading what is in between.
# entries_by_time holds all that a look at a day needs, and grows at its end only.
_SCHEMA = (
    "CREATE TABLE checks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, signal TEXT NOT NULL, labels TEXT NOT NULL,"
    " UNIQUE (signal, labels))",
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, check_id INTEGER NOT NULL, at REAL NOT NULL,"
    " duration REAL NOT NULL, status INTEGER NOT NULL, verdict INTEGER NOT NULL,"
    " phase TEXT NOT NULL, cause TEXT NOT NULL, message TEXT NOT NULL, value REAL,"
    " samples BLOB NOT NULL)",
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
)
_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}


class Unreadable(Exception):
    """What is in the file can't be read as history."""


def is_transient(error: Exception) -> bool:
    """Whether the connection is as good as before: the file is locked, or the disk full."""
    return _code(error) in _PASSING


def open_memory(wal_pages: int) -> sqlite3.Connection:
    """An empty database that is gone when it is closed."""
    return _open(":memory:", wal_pages)


def open_file(path: Path, wal_pages: int) -> sqlite3.Connection:
    """The database in a file, which is made if there is none, as is its folder.

    ``wal_pages`` is how many pages the write-ahead log has when it is folded into the file.
    Raises Unreadable; OSError and sqlite3.Error if it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise Unreadable("it is no file")
    return _open(str(path), wal_pages)


def _open(name: str, wal_pages: int) -> sqlite3.Connection:
    db = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        with translate_corruption():
            _prepare(db, wal_pages)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, wal_pages: int) -> None:
    # A text that was damaged on the disk is no reason to give up the rest.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    _check_number(db)
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    # What is committed is with the kernel, and so outlives the process, however that ends.
    # Only a machine that loses power may lose the last commits, never the file: the log is
    # synced before it is folded in. FULL would wait for the disk at every commit instead.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA secure_delete = OFF")
    db.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
    db.execute(f"PRAGMA journal_size_limit = {wal_pages * PAGE_BYTES}")
    with writing(db):  # also tells whether this can be written at all
        if _check_number(db) == 0:
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_NUMBER}")
    _check_tables(db)


def _check_number(db: sqlite3.Connection) -> int:
    """The schema number of the file; 0 for an empty one. Raises Unreadable for others."""
    number = int(db.execute("PRAGMA user_version").fetchone()[0])
    tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if number != SCHEMA_NUMBER and (number or tables):
        raise Unreadable(f"its schema number is {number}, not {SCHEMA_NUMBER}")
    return number


def _check_tables(db: sqlite3.Connection) -> None:
    try:
        for statement in _USED:
            db.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if _code(error) == sqlite3.SQLITE_ERROR:  # no such table, column or index
            raise Unreadable(str(error)) from error
        raise


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction that writes: all of it is kept, or, after an exception, nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """A transaction in which nothing changes, whatever other processes write."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        _roll_back(db)


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:  # SQLite ends it by itself after some errors
        db.execute("ROLLBACK")


@contextmanager
def translate_corruption() -> Iterator[None]:
    """Turns SQLite's errors about the contents of the file into Unreadable."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _code(error) in _UNREADABLE:
            raise Unreadable(str(error)) from error
        raise


def _code(error: Exception) -> int:
    # The primary code is in the low byte of an extended one.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def checkpoint(db: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file, unless someone else reads it just now."""
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
