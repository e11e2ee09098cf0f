"""The outbox's database file: opened, laid out, quarantined when it can't be read."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

FILE = "alerts.sqlite"
MOST_ASIDE = 2
# Another process adds a silence within milliseconds; who waits longer than this waits for
# one that hangs.
BUSY_SECONDS = 5.0

_ASIDE = "alerts-unreadable-*.sqlite"
# SQLite's own companions of a database file. They go first: left behind, the log of the old
# file would be taken for that of the new one.
_COMPANIONS = ("-wal", "-shm")
_TABLES = {
    "states": "identity TEXT PRIMARY KEY, document TEXT NOT NULL",
    "deliveries": (
        "number INTEGER PRIMARY KEY AUTOINCREMENT, notifier TEXT NOT NULL, at REAL NOT NULL,"
        " attempts INTEGER NOT NULL, due REAL NOT NULL, error TEXT NOT NULL,"
        " message TEXT NOT NULL"
    ),
    "refused": (
        "number INTEGER PRIMARY KEY, notifier TEXT NOT NULL, at REAL NOT NULL,"
        " attempts INTEGER NOT NULL, due REAL NOT NULL, error TEXT NOT NULL,"
        " message TEXT NOT NULL"
    ),
    "memories": (
        "notifier TEXT NOT NULL, key TEXT NOT NULL, memory TEXT NOT NULL,"
        " PRIMARY KEY (notifier, key)"
    ),
    "silences": "name TEXT PRIMARY KEY, ends REAL NOT NULL, document TEXT NOT NULL",
}
_NEEDED = {
    "states": "identity, document",
    "deliveries": "number, notifier, at, attempts, due, error, message",
    "refused": "number, notifier, at, attempts, due, error, message",
    "memories": "notifier, key, memory",
    "silences": "name, ends, document",
}
_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

logger = logging.getLogger(__name__)


def in_memory() -> sqlite3.Connection:
    """An empty database that ends with the process."""
    return _laid_out(sqlite3.connect(":memory:", isolation_level=None))


def open_file(folder: Path, now: float) -> sqlite3.Connection:
    """The database in ``folder``, which is made if need be.

    A file that isn't a database of ours is set aside under the time ``now`` (seconds since
    1970) and a new one is begun. Raises OSError or sqlite3.Error if neither can be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if not _unreadable(error):
            raise
        aside = set_aside(path, now)
        logger.warning("%s can't be read (%s): set aside as %s", path, error, aside.name)
        return _open(path)


def set_aside(path: Path, now: float) -> Path:
    """Rename a database file and its companions, and keep the newest two of such.

    Returns the new path; raises OSError if the file can't be renamed.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(_ASIDE.replace("*", moment))
    for suffix in _COMPANIONS:
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.replace(aside.with_name(aside.name + suffix))
    path.replace(aside)
    for old in sorted(path.parent.glob(_ASIDE))[:-MOST_ASIDE]:
        for suffix in (*_COMPANIONS, ""):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside


def is_disk_error(error: sqlite3.Error) -> bool:
    """Whether it is the file that fails (full, locked, torn …), not what was asked of it."""
    return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)


def copy_to_memory(source: sqlite3.Connection) -> sqlite3.Connection:
    """What ``source`` holds, in memory; as much of it as can still be read."""
    target = in_memory()
    try:
        source.backup(target)
    except sqlite3.Error:
        target.close()
        return in_memory()
    return target


def restore_to_disk(source: sqlite3.Connection, folder: Path, now: float) -> sqlite3.Connection:
    """The database in ``folder`` again, with what ``source`` holds by now.

    Silences that another process has added or ended there meanwhile stay as they are.
    Raises OSError or sqlite3.Error if the folder still can't be used.
    """
    target = open_file(folder, now)
    try:
        with transaction(target):
            for name, columns in _NEEDED.items():
                _transfer(source, target, name, columns)
    except BaseException:
        target.close()
        raise
    return target


def _transfer(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, columns: str
) -> None:
    if table != "silences":
        target.execute(f"DELETE FROM {table}")
    places = ", ".join("?" for _ in columns.split(","))
    target.executemany(
        f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})",
        source.execute(f"SELECT {columns} FROM {table}"),
    )


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing."""
    # IMMEDIATE waits for another process's turn at the start; a transaction that begins
    # with reading and then writes would fail at once instead.
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # NORMAL would lose the last transactions in a power cut, and with them a page.
        # There are few, so waiting for the disk costs nothing.
        database.execute("PRAGMA synchronous = FULL")
        _laid_out(database)
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
    except BaseException:
        database.close()
        raise
    return database


def _laid_out(database: sqlite3.Connection) -> sqlite3.Connection:
    missing = _TABLES.keys() - {
        name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    if missing:
        with transaction(database):
            for name in sorted(missing):
                database.execute(f"CREATE TABLE IF NOT EXISTS {name} ({_TABLES[name]})")
    for name, columns in _NEEDED.items():
        database.execute(f"SELECT {columns} FROM {name} LIMIT 0")
    return database


def _unreadable(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in _UNREADABLE
