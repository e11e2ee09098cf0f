"""SQLite files: opened, laid out, checked, written in transactions.

For the history and the outbox alike. A file that can't be read is renamed; what can still be
read of it is copied into a new one, row by row (``quarantine``, ``salvage``).
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from probe.storage.atomic import make_folder
from probe.storage.quarantine import quarantine
from probe.storage.salvage import Row, Salvaged, salvage
from probe.storage.sqlite_errors import Unreadable, describe, error_code, translate_corruption

logger = logging.getLogger(__name__)


class Schema(Struct, frozen=True):
    """What a database file holds.

    ``name`` is that of the file, without its suffix. ``tables`` are CREATE TABLE texts by
    table, in an order in which rows can be copied; ``indexes`` are CREATE INDEX texts.
    ``version`` is the file's ``user_version``, None where it is not used. ``pragmas`` are set
    on each connection before anything else. ``required`` are SELECTs that have to work.
    """

    name: str
    tables: Mapping[str, str]
    indexes: tuple[str, ...] = ()
    version: int | None = None
    pragmas: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    busy_seconds: float = 2.0
    full_check: bool = False
    # Tables of ``tables`` and indexes that a file of this version may lack: they are added to it.
    later: frozenset[str] = frozenset()
    later_indexes: tuple[str, ...] = ()
    # Whether a row of a table makes sense; tables that are not named take any row.
    is_valid: Mapping[str, Callable[[Row], bool]] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}.sqlite"

    @property
    def quarantine_pattern(self) -> str:
        """How quarantined files are called."""
        return f"{self.name}-unreadable-*.sqlite"


def open_memory(schema: Schema) -> sqlite3.Connection:
    """An empty database that is gone when it is closed."""
    return _open(":memory:", schema)


def open_file(path: Path, schema: Schema) -> sqlite3.Connection:
    """The database in a file, which is made if there is none, as is its folder: for their owner
    alone, whatever the umask.

    Raises Unreadable; OSError and sqlite3.Error if it can't be used.
    """
    make_folder(path.parent)
    if path.exists() and not path.is_file():
        raise Unreadable("it is not a regular file")
    if not path.exists():
        # SQLite would make it by the umask; its log gets the rights of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return _open(str(path), schema)


def recreate(
    path: Path, schema: Schema, now: float, *, budget: float
) -> tuple[sqlite3.Connection, Path, Salvaged]:
    """A new database in the place of one that can't be read.

    The old file is quarantined (``now`` in seconds since 1970 is part of its new name) and
    what can be read of it within ``budget`` seconds is copied. Raises as open_file does.
    """
    quarantined = quarantine(path, schema.quarantine_pattern, now)
    database = open_file(path, schema)
    try:
        saved = salvage(quarantined, database, schema.tables, schema.is_valid, budget)
    except Exception as error:  # damaged contents may do anything to who reads them
        logger.info("nothing could be copied from %s: %s", quarantined.name, describe(error))
        saved = Salvaged()
    except BaseException:
        database.close()
        raise
    return database, quarantined, saved


def _open(name: str, schema: Schema) -> sqlite3.Connection:
    database = sqlite3.connect(
        name, timeout=schema.busy_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        with translate_corruption():
            _prepare(database, schema)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, schema: Schema) -> None:
    # A text that was damaged on the disk is no reason to give up the rest.
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    _check_version(database, schema)
    for pragma in schema.pragmas:
        database.execute(f"PRAGMA {pragma}").fetchall()
    with transaction(database):  # also shows whether this can be written at all
        _lay_out(database, schema)
    _check_required(database, schema)
    if schema.full_check:
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Unreadable("the integrity check fails")


def _lay_out(database: sqlite3.Connection, schema: Schema) -> None:
    known = {str(name) for (name,) in database.execute("SELECT name FROM sqlite_schema")}
    is_new = schema.version is None or _check_version(database, schema) == 0
    if is_new and schema.version is not None:
        database.execute(f"PRAGMA user_version = {schema.version}")
    for name, statement in schema.tables.items():
        if name not in known and (is_new or name in schema.later):
            database.execute(statement)
    for statement in (*(schema.indexes if is_new else ()), *schema.later_indexes):
        database.execute(statement)


def _check_version(database: sqlite3.Connection, schema: Schema) -> int:
    """The version of the file; 0 for an empty one. Raises Unreadable for others."""
    number = int(database.execute("PRAGMA user_version").fetchone()[0])
    if schema.version is None:
        return number
    tables = int(database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if number != schema.version and (number or tables):
        raise Unreadable(f"its schema number is {number}, not {schema.version}")
    return number


def _check_required(database: sqlite3.Connection, schema: Schema) -> None:
    try:
        for statement in schema.required:
            database.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        if error_code(error) == sqlite3.SQLITE_ERROR:  # no such table, column or index
            raise Unreadable("its tables are not those of this version") from error
        raise


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction that writes: all of it is kept, or, after an exception, nothing."""
    # IMMEDIATE waits for another process's turn at the start; a transaction that begins
    # with reading and then writes would fail at once instead.
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        _roll_back(database)
        raise


@contextmanager
def reading(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction in which nothing changes, whatever other processes write."""
    database.execute("BEGIN")
    try:
        yield
    finally:
        _roll_back(database)


def _roll_back(database: sqlite3.Connection) -> None:
    if database.in_transaction:  # SQLite ends it by itself after some errors
        database.execute("ROLLBACK")


def identity_of(path: Path) -> tuple[int, int] | None:
    """Which file is at the path now; SQLite goes on writing to one that was removed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def transfer(source: Sequence[tuple[str, Sequence[Row]]], target: sqlite3.Connection) -> None:
    """Write rows of whole tables, in the place of those that have the same key."""
    for table, rows in source:
        if rows:
            places = ", ".join("?" for _ in rows[0])
            target.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({places})", rows)
