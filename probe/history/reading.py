"""The history of a data folder as another process reads it, alongside the daemon that writes it.

Nothing is written, quarantined or repaired here: that is the daemon's.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probe.history.database import FILE_NAME, Unreadable
from probe.history.incidents import queries
from probe.history.incidents.model import Annotation
from probe.history.model import ResultRow
from probe.history.rows import COLUMNS, Reader
from probe.history.uptime.model import SubjectKind, Uptime
from probe.history.uptime.queries import between
from probe.storage.sqlite_errors import describe

BUSY_SECONDS = 5.0
MAX_ANNOTATIONS = 200
_BATCH = 5000


class NoHistory(Exception):
    """The history can't be read; the text says why, and what would help."""


class HistoryFile:
    """Rows of one file, in the order of writing. All methods raise NoHistory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    @property
    def exists(self) -> bool:
        """Whether there is a history."""
        return self._path.is_file()

    def newest_id(self) -> int:
        """The id of the newest row; 0 without any."""
        if not self.exists:
            return 0
        with self._opened() as db:
            return int(db.execute("SELECT max(id) FROM entries").fetchone()[0] or 0)

    def after(self, number: int) -> Iterator[tuple[int, ResultRow]]:
        """Rows with greater ids, and their ids."""
        yield from self._rows("id > ? AND id > ?", (number, number))

    def between(self, start: float, end: float) -> Iterator[ResultRow]:
        """Rows begun from ``start`` until before ``end``."""
        for _, row in self._rows("at >= ? AND at < ?", (start, end)):
            yield row

    def span(self) -> tuple[float, float] | None:
        """The begin of the oldest and of the newest row; None without any."""
        if not self.exists:
            return None
        with self._opened() as db:
            oldest, newest = db.execute("SELECT min(at), max(at) FROM entries").fetchone()
        return None if oldest is None else (float(oldest), float(newest))

    def annotations(self, start: float, end: float) -> list[Annotation]:
        """Deployments and other events from ``start`` until before ``end``, oldest first; none of
        a file from before there were any."""
        if not self.exists:
            return []
        with self._opened() as db:
            try:
                found = queries.annotations(db, start, end, MAX_ANNOTATIONS)
            except sqlite3.OperationalError:
                return []
        return found[::-1]

    def uptime(self, start: float, end: float) -> dict[str, Uptime]:
        """Uptime of each check that has any, from aggregates where results are deleted; none of a
        file from before there were any."""
        if not self.exists:
            return {}
        with self._opened() as db:
            try:
                found = between(db, (), start, end)
            except sqlite3.OperationalError:
                return {}
        return {name: each for (kind, name), each in found.items() if kind is SubjectKind.CHECK}

    def _rows(self, where: str, bounds: tuple[float, float]) -> Iterator[tuple[int, ResultRow]]:
        """Read in portions, so that the writer's log isn't held up by a slow reader."""
        after = 0
        while True:
            with self._opened() as db:
                reader = Reader(db)
                found = db.execute(
                    f"SELECT id, {COLUMNS} FROM entries WHERE {where} AND id > ?"
                    f" ORDER BY id LIMIT {_BATCH}",
                    (*bounds, after),
                ).fetchall()
                rows = [(int(row[0]), reader.entry(row[1:])) for row in found]
            yield from rows
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self.exists:
            raise NoHistory(
                f"there is no history in {self._path.parent}: has the daemon run there?"
            )
        try:
            db = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS
            )
            try:
                yield db
            finally:
                db.close()
        except (sqlite3.Error, OSError) as error:
            raise NoHistory(f"{self._path} can't be read: {describe(error)}") from None
        except Unreadable as error:
            raise NoHistory(f"{self._path} can't be read: {error}") from None
