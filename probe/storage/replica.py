"""A file on a disk that follows a database in memory, for as long as the disk lets it.

Queries go to memory; the file outlives the process. A change is made in memory first and then in
the file, whose answer is waited for 2 s at most. A file that fails or hangs is left behind and,
once it works again, brought up to date as a whole.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct, field

from probe.storage.invalid_rows import quarantine_row
from probe.storage.salvage import Row, makes_sense
from probe.storage.sqlite import Schema, identity_of, open_file, recreate, transaction, transfer
from probe.storage.sqlite_errors import Unreadable, describe, is_storage_error, translate_corruption
from probe.storage.thread import Stalled

T = TypeVar("T")
Tables = Sequence[tuple[str, Sequence[Row]]]

# How often a disk that failed is retried.
RETURN_SECONDS = 60.0
SALVAGE_SECONDS = 1.5
STALLED = "the disk does not answer within 2 s"

logger = logging.getLogger(__name__)


class Runner(Protocol):
    """Runs jobs in the storage thread; see ``probe.storage.thread``."""

    @property
    def busy_for(self) -> float: ...

    @property
    def is_stalled(self) -> bool: ...

    async def run(self, work: Callable[[], T], *, seconds: float | None = None) -> T: ...

    def close(self) -> None: ...


class Loaded(Struct, frozen=True):
    """What was in the file when it was opened.

    ``invalid`` rows made no sense and stayed behind; ``notice`` says what became of a file
    that could not be read, for people; ``lost``: the file was replaced by a new one, or an
    earlier process could make it and, on a full disk, not write it.
    """

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    invalid: int = 0
    notice: str = ""
    lost: bool = False


class _Gone(Exception):
    """The file is not there any more, or not the one that was opened."""


class Replica:
    """``shared`` are tables that other processes write to as well: rows of theirs stay when
    the file is brought up to date. ``now`` is in seconds since 1970. ``late`` is what is found
    in a file that could not be read when it was opened: ``merge`` puts it into a snapshot."""

    def __init__(
        self,
        path: Path,
        schema: Schema,
        thread: Runner,
        now: Callable[[], float],
        shared: frozenset[str] = frozenset(),
        merge: Callable[[Tables, Tables], Tables] = lambda late, tables: tables,
    ) -> None:
        self._merge = merge
        self._path, self._schema, self._thread = path, schema, thread
        self._now, self._shared = now, shared
        self._database: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._tried_at = 0.0
        self._was_read = False
        self.late: Tables = ()
        self.problem = "not open"

    @property
    def is_current(self) -> bool:
        """Whether the file holds what memory holds."""
        return not self.problem

    @property
    def was_read(self) -> bool:
        """Whether what the file held when it was opened is known."""
        return self._was_read

    @property
    def stalled_for(self) -> float:
        """For how many seconds the disk has not answered."""
        return self._thread.busy_for if self._thread.is_stalled else 0.0

    async def open(self) -> Loaded:
        """Open the file and read all of it; empty, with a ``problem``, if that fails."""
        try:
            loaded = await self._thread.run(self._open)
        except Stalled:
            self._fail(STALLED)
        except (OSError, sqlite3.Error, Unreadable) as error:
            self._fail(f"{self._path.parent} can't be used: {describe(error)}")
        else:
            self.problem, self._was_read = "", True
            return loaded
        # What a job reads that is no longer waited for is not known: it is read again.
        return Loaded()

    async def apply(
        self, change: Callable[[sqlite3.Connection], object], snapshot: Callable[[], Tables]
    ) -> bool:
        """Make a change that was made in memory, or bring the file up to date as a whole from
        ``snapshot``; whether it is on the disk by now."""
        if not self.is_current:
            return await self.catch_up(snapshot)
        try:
            return await self._attempt(lambda: self._change(change))
        except _Gone as gone:
            logger.warning("%s %s: it is written anew", self._path, gone)
            tables = snapshot()
            return await self._attempt(lambda: self._bring_back(tables))

    async def catch_up(self, snapshot: Callable[[], Tables]) -> bool:
        """Bring a file that was left behind up to date, if it is time to try."""
        if self.is_current:
            return True
        hung = self.problem == STALLED
        due = abs(self._now() - self._tried_at) >= RETURN_SECONDS
        if self._thread.is_stalled or not (hung or due):
            return False
        tables = snapshot()
        written = await self._attempt(lambda: self._bring_back(tables))
        if written:
            logger.warning("%s is written again", self._path)
        return written

    async def query(self, query: Callable[[sqlite3.Connection], T]) -> T | None:
        """What the file says; None if it can't be read."""
        if not self.is_current:
            return None

        def work() -> T:
            with translate_corruption():
                return query(self._connected())

        try:
            return await self._thread.run(work)
        except Stalled:
            return None  # the next change finds out whether the disk hangs
        except Exception as error:  # contents may be anything
            self._fail(describe(error) if is_storage_error(error) else type(error).__name__)
        return None

    async def close(self) -> None:
        """Close the file after what was asked before, if the disk lets it."""
        try:
            await self._thread.run(self._drop)
        except (Stalled, sqlite3.Error):
            logger.info("%s was not closed properly", self._path)
        self._thread.close()

    async def _attempt(self, work: Callable[[], None]) -> bool:
        try:
            await self._thread.run(work)
        except Stalled:
            self._fail(STALLED)
            return False
        except Exception as error:
            if isinstance(error, _Gone) or not is_storage_error(error):
                raise
            self._fail(describe(error))
            return False
        self.problem = ""
        return True

    def _fail(self, problem: str) -> None:
        if not self.problem or self.problem == "not open":
            logger.warning("%s is kept in memory until the disk works: %s", self._path, problem)
        self.problem, self._tried_at = problem, self._now()

    # What follows runs in the storage thread.

    def _open(self) -> Loaded:
        notice, lost, invalid = "", self._is_empty(), 0
        if lost:
            logger.warning("%s is empty: what was known before is lost", self._path)
        try:
            self._database = open_file(self._path, self._schema)
        except (Unreadable, sqlite3.DatabaseError) as error:
            if not isinstance(error, Unreadable):
                raise
            if self._path.exists() and not self._path.is_file():
                raise
            notice, invalid = self._recreate(error)
            lost = True
        self._identity = identity_of(self._path)
        tables, wrong = self._read()
        invalid += wrong
        if wrong:
            about = f"{wrong} rows of {self._path.name} can't be read: they were set aside"
            logger.warning("%s", about)
            notice = f"{notice} {about}".strip()
        return Loaded(tables, invalid, notice, lost)

    def _is_empty(self) -> bool:
        """Whether the file is there without a single byte."""
        return self._path.is_file() and not self._path.stat().st_size

    def _recreate(self, error: Exception) -> tuple[str, int]:
        path, now = self._path, self._now()
        self._database, quarantined, saved = recreate(
            path, self._schema, now, budget=SALVAGE_SECONDS
        )
        notice = (
            f"{self._path} can't be read ({describe(error)}): set aside as {quarantined.name};"
            f" {saved.total} rows were copied"
        )
        logger.warning("%s", notice)
        return notice, saved.invalid

    def _read(self) -> tuple[dict[str, list[Row]], int]:
        """The valid rows of each table, and how many invalid ones were put into quarantine."""
        database, wrong = self._connected(), 0
        tables: dict[str, list[Row]] = {}
        for table in self._schema.tables:
            valid = self._schema.is_valid.get(table)
            tables[table] = []
            for number, *row in database.execute(f"SELECT rowid, * FROM {table}").fetchall():
                if makes_sense(tuple(row), valid):
                    tables[table].append(tuple(row))
                else:
                    quarantine_row(database, table, number, self._now())
                    wrong += 1
        return tables, wrong

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            raise Unreadable("it is not open")
        return self._database

    def _change(self, change: Callable[[sqlite3.Connection], object]) -> None:
        if self._identity != identity_of(self._path):
            raise _Gone("was removed or replaced")
        try:
            with translate_corruption(), transaction(self._connected()) as database:
                change(database)
        except Unreadable as error:
            raise _Gone(f"can't be read any more ({error})") from None

    def _bring_back(self, tables: Tables) -> None:
        self._drop()
        try:
            self._database = open_file(self._path, self._schema)
        except Unreadable as error:
            self._recreate(error)
        self._identity = identity_of(self._path)
        if not self._was_read:
            self.late = list(self._read()[0].items())
            self._was_read = True
            tables = self._merge(self.late, tables)
        with translate_corruption(), transaction(self._connected()) as database:
            for table, _ in tables:
                if table not in self._shared:
                    database.execute(f"DELETE FROM {table}")
            transfer(tables, database)

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
