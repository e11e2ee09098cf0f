"""In which state each check was in the last day, kept up result by result.

The same states as :mod:`probe.history.uptime.segments` reads from the database: a result holds
until the next one begins, no longer than its check allows, and not beyond a stop of the probe.
"""

import sqlite3
from collections.abc import Mapping

from msgspec import Struct

from probe.core.model import Status, Verdict
from probe.history.model import ResultRow
from probe.history.rows import STATUSES, check_names, verdict_of
from probe.history.uptime.segments import (
    DEFAULT_HOLD_SECONDS,
    MILLISECOND,
    Segment,
    SegmentState,
    segments,
)

_NEWEST = """
SELECT e.check_id, e.at, e.status, e.verdict FROM checks CROSS JOIN entries AS e ON e.id = (
  SELECT id FROM entries INDEXED BY entries_by_check WHERE check_id = checks.id
  ORDER BY at DESC, id DESC LIMIT 1)
"""
_STOP = "SELECT min(at) FROM stops WHERE at >= ?"


class _Open(Struct, frozen=True, gc=False):
    """The newest result of a check: until when it holds at most, in seconds since 1970."""

    state: SegmentState
    at: float
    until: float


class LiveStates:
    """States of every check; all calls are of the storage thread."""

    def __init__(self) -> None:
        self._closed: dict[str, list[Segment]] = {}
        self._open: dict[str, _Open] = {}
        self._holds: dict[str, list[tuple[float, float]]] = {}
        self.newest = 0.0

    @property
    def size(self) -> int:
        """How many stretches are kept."""
        return sum(map(len, self._closed.values()))

    def load(self, db: sqlite3.Connection, start: float, end: float) -> None:
        """States from ``start`` until ``end``, the oldest first. Raises Unreadable."""
        for name, found in segments(db, start, end).items():
            for each in found:
                self._close(name, each)

    def complete(self, db: sqlite3.Connection) -> None:
        """All states are loaded: the newest result of each check goes on to hold."""
        self._holds = _holds(db)
        names = check_names(db)
        for check, at, status, verdict in db.execute(_NEWEST).fetchall():
            name = names[check]
            stop = db.execute(_STOP, (at,)).fetchone()[0]
            state = _state(STATUSES[status], verdict_of(verdict))
            self._cut(name, at)
            self._begin(name, state, at, float("inf") if stop is None else stop)

    def add(self, row: ResultRow) -> bool:
        """A result is written; False if one that began later is there already."""
        before = self._open.get(row.check)
        if before is not None:
            if row.at < before.at:
                return False
            self._close(row.check, _segment(before, row.at))
        self._begin(row.check, _state(row.status, row.verdict), row.at, float("inf"))
        return True

    def forget(self, before: float) -> None:
        """States that ended before this moment."""
        oldest = round(before / MILLISECOND)
        for found in self._closed.values():
            if found and found[0].end < oldest:
                found[:] = [each for each in found if each.end >= oldest]

    def until(self, now: float) -> Mapping[str, list[Segment]]:
        """The states of each check that has any, up to now."""
        found = {}
        for name, each in self._open.items():
            last = _segment(each, now)
            closed = self._closed.get(name, ())
            found[name] = [*closed, last] if last.end > last.start else list(closed)
        return found

    def _begin(self, name: str, state: SegmentState, at: float, stop: float) -> None:
        hold = DEFAULT_HOLD_SECONDS
        for place, (since, seconds) in enumerate(self._holds.get(name, ())):
            if place == 0 or since <= at:
                hold = seconds
        self._open[name] = _Open(state, at, min(at + hold, stop))
        self.newest = max(self.newest, at)

    def _close(self, name: str, each: Segment) -> None:
        """Append a stretch; one that goes on with the same state is made longer."""
        if each.end <= each.start:
            return
        found = self._closed.setdefault(name, [])
        if found and found[-1].state is each.state and found[-1].end == each.start:
            each = Segment(each.state, found.pop().start, each.end)
        found.append(each)

    def _cut(self, name: str, at: float) -> None:
        found, end = self._closed.get(name, []), round(at / MILLISECOND)
        while found and found[-1].end > end:
            last = found.pop()
            if last.start < end:
                found.append(Segment(last.state, last.start, end))


def _segment(each: _Open, end: float) -> Segment:
    """From the begin of a result to the end of its hold, or to ``end``."""
    last = max(each.at, min(each.until, end))
    return Segment(each.state, round(each.at / MILLISECOND), round(last / MILLISECOND))


def _state(status: Status, verdict: Verdict) -> SegmentState:
    if status is Status.OK:
        return SegmentState.OK
    if status is Status.UNKNOWN:
        return SegmentState.UNKNOWN
    return SegmentState.DOWN if verdict is Verdict.CRITICAL else SegmentState.DEGRADED


def _holds(db: sqlite3.Connection) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for name, since, seconds in db.execute(
        "SELECT check_name, since, seconds FROM holds ORDER BY check_name, since"
    ):
        found.setdefault(name, []).append((since, seconds))
    return found
