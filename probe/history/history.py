"""History as coroutines use it."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from probe.history import periods, queries
from probe.history.live.day import DayBuckets, empty_day
from probe.history.model import ResultRow, StatePeriod
from probe.history.retention import Retention
from probe.history.state import HistoryState
from probe.history.store import HistoryStore
from probe.history.uptime import marks
from probe.history.uptime import queries as uptime
from probe.history.uptime.model import SignalSeries, Subject, Uptime
from probe.history.uptime.series import series
from probe.history.uptime.totals import Key
from probe.history.write_queue import Change, ChangeQueue, WriteQueue
from probe.storage.thread import Stalled, StorageThread

logger = logging.getLogger(__name__)

T = TypeVar("T")

STALLED = "the disk does not answer"
# Copying from a damaged file takes 5 s at most.
OPEN_SECONDS = 10.0
# How long a query may take; writes may take longer.
QUERY_SECONDS, WRITE_SECONDS = 5.0, 60.0

# An entry with a dozen samples takes up to 3.5 kB as Python objects, half of it when it is
# read from the database: 70 and 35 MB at the very most.
MAX_WAITING = 20_000
MAX_RECENT = 20_000
# Changes of incidents, notifications, annotations that wait for the disk.
MAX_CHANGES = 2_000
# So often it is written that the probe runs, where no result comes.
ALIVE_SECONDS = 60.0


class History:
    """Results of the past; created with ``open``, to be closed with ``close``.

    Entries are added at once and written soon. Queries see what is written; where the database
    can't be queried, the answer is empty and ``state.problem`` says why. Nothing here raises
    because of the database. All is for one event loop.
    """

    def __init__(
        self,
        store: HistoryStore,
        waiting: WriteQueue,
        changes: ChangeQueue,
        flush_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._store, self._waiting, self._changes = store, waiting, changes
        self._flush_seconds = flush_seconds
        # Grows with every change of what is kept besides results, once it is written.
        self.revision = 0
        # One thread, because a connection to SQLite is for one.
        self._thread = StorageThread("history", QUERY_SECONDS)
        self._added = asyncio.Event()
        self._groups: Sequence[Subject] = ()
        self._is_recording = False
        self._writer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        folder: Path | None,
        *,
        bounds: Retention | None = None,
        now: Callable[[], float] = time.time,
        flush_seconds: float = 0.5,
    ) -> "History":
        """The history in a folder, which is made if need be; without a folder in memory.

        ``now`` is the wall clock in seconds since 1970. What is added is committed about
        ``flush_seconds`` later. A folder that can't be written makes it one in memory, with
        a problem to show; ``bounds`` are then narrowed to those of memory.
        """
        waiting, changes = WriteQueue(MAX_WAITING), ChangeQueue(MAX_CHANGES)
        store = HistoryStore(folder, bounds, now, waiting, changes)
        history = cls(store, waiting, changes, flush_seconds, now)
        try:
            await history._thread.run(history._store.open, seconds=OPEN_SECONDS)
        except Stalled:
            logger.warning("%s: results wait in memory", STALLED)
        except BaseException:
            history._thread.close()
            raise
        history._writer = asyncio.create_task(history._write_forever(), name="history")
        return history

    @property
    def state(self) -> HistoryState:
        """The state of history itself."""
        state = self._store.state
        return replace(state, problem=STALLED) if self._thread.is_stalled else state

    def add(self, entry: ResultRow) -> None:
        """Add an entry. When too many are queued, the oldest is lost, as are those added after
        ``close``."""
        self._waiting.add(entry)
        if self._closing is None:
            self._added.set()
        else:
            self._waiting.discard()

    def change(self, key: Hashable, change: Change) -> None:
        """Change what is not a result, soon and in a transaction; a later change of the same key
        takes the place of one that waits. After ``close`` it is lost."""
        if self._closing is None:
            self._changes.add(key, change)
            self._added.set()

    async def change_now(self, key: Hashable, change: Change) -> bool:
        """The same at once; whether it is written by now. If not, it is tried again."""
        self.change(key, change)
        await self.flush()
        return self._closing is None and key not in self._changes

    @property
    def waiting_changes(self) -> Sequence[Change]:
        """The changes that are not written yet, the oldest first."""
        return [change for _, change in self._changes.all()]

    async def flush(self) -> None:
        """Write all that was added so far; if the database can't be written, entries stay
        queued."""
        if self._closing is None:
            await self._do(self._store.write, None, WRITE_SECONDS)

    async def close(self) -> None:
        """Write the queue, and close; what can't be written now is lost."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="history closes")
        await asyncio.shield(self._closing)

    async def recent(self, since: float, *, most: int = MAX_RECENT) -> list[ResultRow]:
        """Entries begun at or after ``since``, in the order of writing, oldest first.

        If they are more than ``most``, the newest of them.
        """
        return await self.query(lambda db: queries.recent(db, since, most), [])

    async def newest(self, checks: Sequence[str]) -> list[ResultRow]:
        """The newest entry of each of these checks that has any, however old."""
        return await self.query(lambda db: queries.newest(db, checks), [])

    def begin(self) -> None:
        """Results come from now on: what was measured before holds no longer than the last
        process ran, and this one is known to run."""
        self._is_recording = True
        now = self._now()

        def change(db: sqlite3.Connection) -> None:
            marks.begin(db, now)
            self._store.live.reset()

        self.change("begin", change)

    def set_checks(self, longest: Mapping[str, float], groups: Sequence[Subject]) -> None:
        """These are the checks from now on, with the seconds for which a result of each holds
        when no other follows, and the groups of them that have an uptime."""
        self._groups = tuple(groups)
        self._store.set_groups(self._groups)
        kept, now = dict(longest), self._now()

        def change(db: sqlite3.Connection) -> None:
            marks.set_holds(db, kept, now)
            self._store.live.reset()

        self.change("holds", change)

    async def prepare_recent(self, now: float) -> None:
        """Load the last day into memory, an hour at a time, so that other queries and writes come
        in between; the next queries of it take milliseconds."""
        live = self._store.live
        while not await self.query(lambda db: live.prepare(db, now), True):
            pass

    async def recent_day(self, now: float) -> DayBuckets:
        """Quarters of an hour of the last 24 hours, after ``prepare_recent``."""
        live = self._store.live
        return await self.query(lambda _: live.day(now), empty_day(now))

    async def uptime(self, now: float) -> dict[Key, tuple[Uptime, ...]]:
        """Uptime of every check and group in the windows of 24 h, 7, 30 and 90 days until
        ``now``; only of those that have any result in one of them."""
        groups, live = self._groups, self._store.live
        return await self.query(lambda db: uptime.windows(db, groups, now, recent=live), {})

    async def uptime_days(
        self, subjects: Sequence[Subject], now: float
    ) -> dict[Key, tuple[Uptime, ...]]:
        """The last 90 days (UTC) of each of these, oldest first; the last one is today, until
        ``now``."""
        groups, live = self._groups, self._store.live
        return await self.query(lambda db: uptime.days(db, groups, subjects, now, recent=live), {})

    async def series(
        self, check: str, start: float, end: float, buckets: int
    ) -> tuple[SignalSeries, ...]:
        """Every signal of a check in equal stretches from ``start`` until ``end``, of at most
        20,000 of its runs."""
        return await self.query(lambda db: series(db, check, start, end, buckets), ())

    async def last_runs(self, check: str, most: int) -> list[ResultRow]:
        """The newest entries of a check, newest first."""
        return await self.query(lambda db: queries.last_runs(db, check, most), [])

    async def unhealthy_periods(
        self, start: float, end: float, most: int = 20
    ) -> dict[str, tuple[StatePeriod, ...]]:
        """Unhealthy and unknown periods that overlap the time from ``start`` until before ``end``,
        newest first, at most so many of each check. They have their true start and end, even
        outside of it."""
        return await self.query(lambda db: periods.unhealthy_periods(db, start, end, most), {})

    async def current_periods(self) -> dict[str, StatePeriod]:
        """The current period of each check, as far back as history reaches."""
        return await self.query(periods.current_periods, {})

    async def query(self, query: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What the database says; ``otherwise`` where it can't be asked, or after ``close``."""
        if self._closing is not None:
            return otherwise
        return await self._do(lambda: self._store.query(query, otherwise), otherwise)

    async def _do(self, job: Callable[[], T], otherwise: T, seconds: float | None = None) -> T:
        """What the job gives; ``otherwise`` while the disk doesn't answer."""
        try:
            return await self._thread.run(job, seconds=seconds)
        except Stalled:
            return otherwise

    async def _write_forever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_SECONDS):
                    await self._added.wait()
            self._mark_alive()
            await asyncio.sleep(self._flush_seconds)
            self._added.clear()
            try:
                await self.flush()
            except Exception as error:
                logger.error("writing history: %s", type(error).__name__)
            if len(self._waiting) or len(self._changes):
                self._added.set()

    def _mark_alive(self) -> None:
        now = self._now()
        if self._is_recording:
            self._changes.add("alive", lambda db: marks.set_mark(db, marks.ALIVE, now))

    async def _close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self._mark_alive()
        await self._do(self._store.close, None)
        self._thread.close()
