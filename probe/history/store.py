"""The thread's side of history: one database, and its error handling.

By kind of error:

- contents that can't be read: the file is quarantined, and a new one created;
- a file that can't be written when the probe starts: history is kept in memory;
- the same later, a full disk, a persistent lock: entries are queued, and each further write is a
  retry.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from probe.history.database import (
    FILE_NAME,
    checkpoint,
    file_bytes,
    open_file,
    open_memory,
    schema,
)
from probe.history.live.day import LiveDay
from probe.history.model import ResultRow
from probe.history.retention import MEMORY_BOUNDS, Retention, Trimmer
from probe.history.rows import Writer
from probe.history.state import HistoryState
from probe.history.uptime import marks
from probe.history.uptime.model import Subject
from probe.history.uptime.rollup import note_late
from probe.history.write_queue import ChangeQueue, WriteQueue
from probe.storage.sqlite import identity_of, reading, recreate, transaction
from probe.storage.sqlite_errors import Unreadable, describe, is_transient, translate_corruption

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Entries in one transaction: few, so that queries don't wait long.
_BATCH = 2000
# How long a quarantined file is shown as a problem.
_NOTICE_SECONDS = 86400.0
_SALVAGE_SECONDS = 5.0


class HistoryStore:
    """Holds the database. All but ``state`` is for one and the same thread.

    ``now`` is in seconds since 1970. No method raises.
    """

    def __init__(
        self,
        folder: Path | None,
        bounds: Retention | None,
        now: Callable[[], float],
        waiting: WriteQueue,
        changes: ChangeQueue,
    ) -> None:
        self._path = folder / FILE_NAME if folder is not None else None
        self._bounds = bounds or (Retention() if folder is not None else MEMORY_BOUNDS)
        self._now, self._waiting, self._changes = now, waiting, changes
        self._trimmer = Trimmer(self._bounds, now)
        self.live = LiveDay()
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._writer: Writer | None = None
        self._written = self._bytes = 0
        self._in_memory = ""
        self._fault = ""
        self._notice, self._noticed_at = "", 0.0

    @property
    def state(self) -> HistoryState:
        """From any thread."""
        fresh = abs(self._now() - self._noticed_at) < _NOTICE_SECONDS
        return HistoryState(
            persistent=self._path is not None,
            problem=self._fault or self._in_memory or (self._notice if fresh else ""),
            bytes=self._bytes,
            written=self._written,
            lost=self._waiting.lost,
            waiting=len(self._waiting),
        )

    def open(self) -> None:
        """Open the file, or memory if there is to be none, or can't be one."""
        try:
            self._attempt(lambda _: None)
        except (sqlite3.Error, OSError, Unreadable) as error:
            if is_transient(error):
                self._degrade(error)
            else:
                self._fall_back_to_memory(error)
        self._measure()

    def write(self) -> None:
        """Write the queues."""
        if not self._write_changes():
            return
        left = len(self._waiting)
        while left > 0 and (batch := self._waiting.next_batch(_BATCH)):
            left -= len(batch)
            if not self._write(batch):
                return

    def set_groups(self, groups: Sequence[Subject]) -> None:
        """Providers and services, of which aggregates are made from now on."""
        self._trimmer.groups = groups

    def query(self, query: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """The result of a query, or ``otherwise`` if the database can't be queried."""

        def attempt(db: sqlite3.Connection) -> T:
            with reading(db):
                return query(db)

        try:
            return self._attempt(attempt)
        except Exception as error:  # damaged contents may do anything to who reads them
            self._degrade(error)
            return otherwise

    def close(self) -> None:
        """Write the queue, checkpoint and close; what can't be written now is lost."""
        self.write()
        lost = self._waiting.discard()
        if lost:
            logger.warning("%d results could not be written to history", lost)
        try:
            if self._db is not None:
                checkpoint(self._db)
        except sqlite3.Error as error:
            logger.info("history's log stays next to its file: %s", error)
        self._drop()

    def _write_changes(self) -> bool:
        found = self._changes.all()

        def change(db: sqlite3.Connection) -> None:
            with transaction(db):
                for _, each in found:
                    each(db)

        try:
            if found:
                self._attempt(change)
                self._changes.done(found)
                self._restore()
        except (sqlite3.Error, OSError, Unreadable) as error:
            self._degrade(error)
            return False
        return True

    def _write(self, batch: tuple[ResultRow, ...]) -> bool:
        try:
            written = self._attempt(lambda db: self._insert(db, batch))
        except (sqlite3.Error, OSError, Unreadable) as error:
            self._waiting.put_back(batch)
            self._degrade(error)
            return False
        self._written += written
        self._waiting.done(batch, lost=len(batch) - written)
        self.live.add(batch, written)
        if self._trim(written):
            self._restore()
        self._measure()
        return True

    def _insert(self, db: sqlite3.Connection, batch: tuple[ResultRow, ...]) -> int:
        if self._writer is None:
            self._writer = Writer(db)
        try:
            with transaction(db):
                marks.set_mark(db, marks.ALIVE, self._now())
                note_late(db, (entry.at for entry in batch))
                return self._writer.write(batch)
        except BaseException:
            self._writer = None  # the numbers that it gave were rolled back
            raise

    def _trim(self, written: int) -> bool:
        def trim(db: sqlite3.Connection) -> None:
            self._trimmer.trim(db, written)
            self.live.aggregates_are(self._trimmer.revision)
            if self._size() > self._bounds.bytes:
                checkpoint(db)

        try:
            self._attempt(trim)
        except (sqlite3.Error, OSError, Unreadable) as error:
            self._degrade(error)
            return False
        return True

    def _attempt(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do it, if need be on a new file in the place of one that can't be read.

        Raises sqlite3.Error and OSError; Unreadable if the new one can't be read either.
        """
        try:
            with translate_corruption():
                return action(self._connected())
        except Unreadable as error:
            self._recreate(error)
            with translate_corruption():
                return action(self._connected())

    def _connected(self) -> sqlite3.Connection:
        """Raises as open_file does."""
        if self._db is not None and self._file != self._file_now():
            logger.warning("%s was removed or replaced: it is opened again", self._path)
            self._drop()
        if self._db is None:
            pages = self._bounds.wal_pages
            self._db = open_file(self._path, pages) if self._path else open_memory(pages)
            self._file = self._file_now()
        return self._db

    def _file_now(self) -> tuple[int, int] | None:
        return identity_of(self._path) if self._path else None

    def _drop(self) -> None:
        db, self._db, self._writer = self._db, None, None
        self.live.reset()
        if db is not None:
            db.close()

    def _recreate(self, error: Unreadable) -> None:
        self._drop()
        if self._path is None:
            return
        new_schema = schema(self._bounds.wal_pages)
        self._db, renamed, saved = recreate(
            self._path, new_schema, self._now(), budget=_SALVAGE_SECONDS
        )
        self._file = identity_of(self._path)
        kept = saved.rows.get("entries", 0)
        self._notice = (
            f"{self._path} could not be read ({error}): it was set aside as {renamed.name}, and "
            + (f"{kept} results were copied from it" if kept else "history begins anew")
        )
        self._noticed_at = self._now()
        logger.warning("%s", self._notice)

    def _fall_back_to_memory(self, error: Exception) -> None:
        if self._path is None:
            self._degrade(error)
            return
        self._in_memory = (
            f"{self._path.parent} can't be written ({_reason(error)}):"
            " history is kept in memory and lost at a restart"
        )
        logger.warning("%s", self._in_memory)
        self._path = None
        self._bounds = self._bounds.within(MEMORY_BOUNDS)
        groups, self._trimmer = self._trimmer.groups, Trimmer(self._bounds, self._now)
        self._trimmer.groups = groups

    def _degrade(self, error: Exception) -> None:
        if not is_transient(error) and self._path is not None:
            self._drop()  # a new connection may find things in order again
        was, self._fault = self._fault, f"{self._name} can't be used ({_reason(error)})"
        if not was:
            logger.warning("%s: results wait in memory until it can", self._fault)

    def _restore(self) -> None:
        if self._fault:
            logger.info("%s can be used again", self._name)
        self._fault = ""

    @property
    def _name(self) -> str:
        return str(self._path) if self._path is not None else "history in memory"

    def _measure(self) -> None:
        try:
            self._bytes = self._size()
        except (sqlite3.Error, OSError) as error:
            logger.debug("history's size is not known: %s", error)

    def _size(self) -> int:
        if self._path is None:
            return file_bytes(self._connected())
        log = self._path.with_name(self._path.name + "-wal")
        return sum(path.stat().st_size for path in (self._path, log) if path.exists())


def _reason(error: Exception) -> str:
    known = isinstance(error, (OSError, sqlite3.Error, Unreadable))
    return describe(error) if known else type(error).__name__
