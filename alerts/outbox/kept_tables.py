"""The outbox's tables in memory, and in a file that follows them where there is one."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from alerts.outbox import queries
from alerts.outbox.schema import SCHEMA
from probe.storage.replica import Replica, Tables
from probe.storage.sqlite import open_memory, transaction, transfer

T = TypeVar("T")
Query = Callable[[sqlite3.Connection], T]


class KeptTables:
    """Every change is made in memory first: a disk that fails or hangs loses nothing of this
    process. ``journal_number`` is how many records the journal of open incidents should have, which
    is stored with each change: the journal is written before. ``counts`` are how many messages
    wait, since when the oldest does, how many were refused. Raises RuntimeError when it is used
    after ``close``."""

    def __init__(
        self, replica: Replica | None, journal_number: Callable[[], int] = lambda: 0
    ) -> None:
        self._memory, self._replica = open_memory(SCHEMA), replica
        self._journal_number = journal_number
        self.is_open = True
        self.counts: tuple[int, float | None, int] = (0, None, 0)

    def read(self, query: Query[T]) -> T:
        """The answer from memory; changes nothing."""
        if not self.is_open:
            raise RuntimeError("the outbox is closed")
        return query(self._memory)

    def in_memory(self, query: Query[T]) -> T:
        """Change the tables in memory alone."""
        if not self.is_open:
            raise RuntimeError("the outbox is closed")
        with transaction(self._memory):
            answer = query(self._memory)
        self.counts = queries.count(self._memory)
        return answer

    def add(self, tables: Tables) -> None:
        """Add rows to the tables in memory alone."""
        self.in_memory(lambda db: transfer(tables, db))

    async def on_disk(self, query: Query[object]) -> bool:
        """Make the same change in the file; whether it is there now."""
        return self._replica is not None and await self._replica.apply(query, self.snapshot)

    async def change(self, query: Query[T]) -> T:
        """Change the tables in memory and in the file."""
        number = self._journal_number()

        def both(db: sqlite3.Connection) -> T:
            queries.note_journal(db, number)
            return query(db)

        answer = self.in_memory(both)
        await self.on_disk(both)
        return answer

    def snapshot(self) -> Tables:
        """All rows of all tables."""
        return [
            (table, self._memory.execute(f"SELECT * FROM {table}").fetchall())
            for table in SCHEMA.tables
        ]

    def close(self) -> None:
        """Forget what is in memory."""
        self.is_open = False
        self._memory.close()
