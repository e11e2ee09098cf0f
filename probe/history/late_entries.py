"""Entries that were written after others of their check that began later: the clock was set back,
or runs overlapped. Periods of such a check go by time, by going through its entries; of all others
the order of writing is that of time, and an index finds them sooner (``periods``).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from probe.history.model import HEALTH_STATES, HealthState, StatePeriod
from probe.history.rows import verdict_of

_BY_TIME = "SELECT id, at, verdict FROM entries INDEXED BY entries_by_check WHERE check_id = ?"

# An entry: its number, when it began, its verdict as a number.
_Entry = tuple[int, float, int]


def unhealthy_periods_by_time(
    db: sqlite3.Connection, check: int, name: str, start: float, end: float, most: int
) -> tuple[StatePeriod, ...]:
    """The unhealthy and unknown periods of one check that overlap a time, newest first."""
    found: list[StatePeriod] = []
    later, following = _after(db, check, end)
    before = db.execute(f"{_BY_TIME} AND at < ? ORDER BY at DESC, id DESC", (check, end))
    runs = groupby(chain(reversed(later), before), key=lambda entry: _state(entry))
    for state, run in runs:
        if state is HealthState.HEALTHY:
            following = _began(run, start)
        else:
            found.append(_period(db, name, run, following))
            following = found[-1].start
        if following <= start or len(found) >= most:
            break
    return tuple(found)


def _after(db: sqlite3.Connection, check: int, end: float) -> tuple[list[_Entry], float | None]:
    """The entries from ``end`` on that go on with the state before it, in order, and when the
    first one of another state began."""
    query = f"{_BY_TIME} AND at < ? ORDER BY at DESC, id DESC LIMIT 1"
    last = db.execute(query, (check, end)).fetchone()
    if last is None:
        return [], None
    same: list[_Entry] = []
    state = _state(last)
    for entry in db.execute(f"{_BY_TIME} AND at >= ? ORDER BY at, id", (check, end)):
        if _state(entry) is not state:
            return same, float(entry[1])
        if state is not HealthState.HEALTHY:
            same.append(entry)
    return same, None


def _state(entry: _Entry) -> HealthState:
    return HEALTH_STATES[verdict_of(entry[2])]


def _began(run: Iterator[_Entry], start: float) -> float:
    """When a run of passing entries began, or that it did before ``start``."""
    at = float("inf")
    for _, at, _ in run:
        if at <= start:
            break
    return at


def _period(
    db: sqlite3.Connection, name: str, run: Iterable[_Entry], following: float | None
) -> StatePeriod:
    count, worst, began = 0, (0, 0.0, -1), 0.0
    for entry in run:
        count, began = count + 1, entry[1]
        worst = entry if entry[2] > worst[2] else worst
    columns = "SELECT phase, cause, message FROM entries WHERE id = ?"
    phase, cause, message = db.execute(columns, (worst[0],)).fetchone()
    return StatePeriod(
        check=name,
        start=float(began),
        end=following,
        verdict=verdict_of(worst[2]),
        phase=phase,
        cause=cause,
        message=message,
        entries=count,
    )
