"""The last day of all checks, loaded in portions, then kept up with what is written.

Pages ask for it often and most of it never changes; only what was written since then is new. A
result that comes late, a change of how long results hold, or another database make it load again.
All calls are of the storage thread.
"""

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from probe.history.live.buckets import BUCKET_SECONDS, LiveBuckets
from probe.history.live.states import LiveStates
from probe.history.model import ResultRow, TimeBucket
from probe.history.uptime.rollup import HOUR
from probe.history.uptime.segments import Segment
from probe.history.uptime.source import Sums

DAY_BUCKETS = 96
# What isn't aggregated yet, of the day before today: up to 25 h and 10 min ago.
KEPT_HOURS = 27
# A flapping check has many states; with so many of all checks the database is asked instead.
MAX_SEGMENTS = 500_000
MAX_SUMS = 64


class DayBuckets(Struct, frozen=True):
    """Quarters of an hour of each check that has any; the last one is the present one, so that
    ``end`` may lie ahead. In seconds since 1970."""

    start: float
    end: float
    buckets: Mapping[str, tuple[TimeBucket, ...]]


def empty_day(now: float) -> DayBuckets:
    """The last 24 hours without a result."""
    end = float((now // BUCKET_SECONDS + 1) * BUCKET_SECONDS)
    return DayBuckets(end - DAY_BUCKETS * BUCKET_SECONDS, end, {})


class LiveDay:
    """``prepare`` until it says True, then ask."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, int, int], Sums] = {}
        self._revision = 0
        self.reset()

    def reset(self) -> None:
        """Load anew from the next query on."""
        self._states, self._buckets = LiveStates(), LiveBuckets()
        self._start = self._loaded = 0.0
        self._is_complete = False
        self.sums.clear()

    def add(self, rows: Sequence[ResultRow], written: int) -> None:
        """So many of these are written and committed."""
        if written != len(rows):
            self.reset()
            return
        for row in rows:
            if not self._is_complete and row.at >= self._loaded:
                continue  # loading will come to it
            known = self._is_complete and self._states.add(row) and self._buckets.add(row)
            if not known:
                self.reset()
                return

    def aggregates_are(self, revision: int) -> None:
        """Forget sums of aggregates that have changed since."""
        if revision != self._revision:
            self.sums.clear()
        self._revision = revision

    def prepare(self, db: sqlite3.Connection, now: float) -> bool:
        """Load the next hour; whether all is there. Raises Unreadable."""
        oldest = now - KEPT_HOURS * HOUR
        if self._start > oldest + HOUR or self._loaded > now:
            self.reset()  # the clock was set back
        if self._is_complete:
            self._forget(oldest)
            return True
        if not self._loaded:
            self._start = self._loaded = float(oldest // HOUR * HOUR)
        end = self._loaded + HOUR
        if end + 2 * BUCKET_SECONDS < now:
            self._states.load(db, self._loaded, end)
            self._buckets.load(db, self._loaded, end)
            self._loaded = end
            return False
        self._complete(db, now)
        return True

    def covers(self, start: float, now: float) -> bool:
        """Whether states from ``start`` on are known; not while results are of the future."""
        return (
            self._is_complete
            and self._start <= start
            and self._states.newest <= now
            and self._states.size <= MAX_SEGMENTS
        )

    def states(self, now: float) -> Mapping[str, Sequence[Segment]]:
        """The states of each check that has any up to now."""
        return self._states.until(now)

    def day(self, now: float) -> DayBuckets:
        """The last 24 hours, the present quarter of an hour included."""
        day = empty_day(now)
        first = int(day.start // BUCKET_SECONDS)
        return replace(day, buckets=self._buckets.day(first, first + DAY_BUCKETS - 1))

    def _complete(self, db: sqlite3.Connection, now: float) -> None:
        growing = float((now // BUCKET_SECONDS - 1) * BUCKET_SECONDS)
        # A result of the future ends the hold of those before it, also once its time has come.
        newest = db.execute("SELECT max(at) FROM entries").fetchone()[0]
        self._states.load(db, self._loaded, now if newest is None else max(now, newest))
        self._states.complete(db)
        self._buckets.load(db, self._loaded, growing)
        self._buckets.load_growing(db, growing, float("inf"))
        self._is_complete = True

    def _forget(self, before: float) -> None:
        if len(self.sums) > MAX_SUMS:
            self.sums.clear()
        self._states.forget(before)
        self._buckets.forget(before)
        # What is forgotten can't be asked for.
        self._start = max(self._start, before)
