"""Periods: consecutive entries of one check with the same health state, in the order of writing,
which is that of time but for late entries (``late_entries``).

They are not stored, but found by an index: it gives the newest entry of each verdict before a given
one; the first health state is the period's, the second is where it began. That takes as long for a
period of a million entries as for one of two.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from probe.history.database import Unreadable, newest_entry
from probe.history.late_entries import unhealthy_periods_by_time
from probe.history.model import HEALTH_STATES, HealthState, StatePeriod
from probe.history.rows import VERDICTS, check_names
from probe.history.uptime.marks import late_until

_AFTER_ALL = 2**63 - 1
_INDEX = "entries INDEXED BY entries_by_standing"
_WHERE = "WHERE check_id = ? AND verdict = ? AND id > ? AND id < ?"
_NEWEST = f"SELECT id FROM {_INDEX} {_WHERE} ORDER BY id DESC LIMIT 1"
_OLDEST = f"SELECT id FROM {_INDEX} {_WHERE} ORDER BY id LIMIT 1"
_COUNT = f"SELECT count(*) FROM {_INDEX} {_WHERE}"
# Verdicts 0 and 1 are well. A check whose newest other entry has a well one behind it before that
# entry of all has no period that lasts until there.
_UNHEALTHY = f"""
SELECT check_id FROM (
  SELECT checks.id AS check_id, max(
    coalesce((SELECT max(id) FROM {_INDEX} WHERE check_id = checks.id AND verdict = 2), 0),
    coalesce((SELECT max(id) FROM {_INDEX} WHERE check_id = checks.id AND verdict = 3), 0),
    coalesce((SELECT max(id) FROM {_INDEX} WHERE check_id = checks.id AND verdict = 4), 0)
  ) AS newest FROM checks
) AS found
WHERE newest >= ?1 OR newest > 0 AND NOT EXISTS (
  SELECT 1 FROM {_INDEX} WHERE check_id = found.check_id AND verdict IN (0, 1)
  AND id > newest AND id < ?1)
ORDER BY check_id
"""
# Verdicts of each health state as numbers, in the order of severity.
_VERDICTS_OF = {
    state: tuple(n for n, verdict in enumerate(VERDICTS) if HEALTH_STATES[verdict] is state)
    for state in HealthState
}


class _Run(Struct, frozen=True):
    """A period as ids: its first entry, and those of the check around it that are not of it
    (``after`` is 0 and ``before`` past all ids where there is none)."""

    check: int
    state: HealthState
    after: int
    first: int
    before: int

    @property
    def lasts(self) -> bool:
        return self.before == _AFTER_ALL


def current_periods(db: sqlite3.Connection) -> dict[str, StatePeriod]:
    """The current period of each check."""
    found = {}
    for check, name in check_names(db).items():
        run = _run_before(db, check, _AFTER_ALL)
        if run is not None:
            found[name] = _period(db, name, run)
    return found


def unhealthy_periods(
    db: sqlite3.Connection, start: float, end: float, most: int
) -> dict[str, tuple[StatePeriod, ...]]:
    """Unhealthy and unknown periods that overlap the given time, newest first. They go by time,
    also where entries were written late."""
    late, names = late_until(db), check_names(db)
    found = _by_writing(db, start, end, most)
    for check, until in late.items():
        name = names.get(check)
        if name is None:
            continue
        starts = [each.start for each in found.get(name, ())]
        # Where an entry before all of it began after the late ones, all of it is in order.
        if newest_entry(db, check, min([start, *starts])) <= until:
            found.pop(name, None)
            if periods := unhealthy_periods_by_time(db, check, name, start, end, most):
                found[name] = periods
    return found


def _by_writing(
    db: sqlite3.Connection, start: float, end: float, most: int
) -> dict[str, tuple[StatePeriod, ...]]:
    newest = _newest_begun_before(db, end)
    # A period that overlaps lasts, or ends with an entry begun after the start.
    oldest = "SELECT min(id) FROM entries INDEXED BY entries_by_time WHERE at > ?"
    oldest_end = db.execute(oldest, (start,)).fetchone()[0] or _AFTER_ALL
    found = {}
    names = check_names(db)
    for check in _ever_unhealthy(db, oldest_end):
        name = names[check]
        result: list[StatePeriod] = []
        for run in _runs_back(db, check, newest):
            if run.before < oldest_end or len(result) >= most:
                break
            if run.state is not HealthState.HEALTHY and _touches(db, run, start, end):
                result.append(_period(db, name, run))
        if result:
            found[name] = tuple(result)
    return found


def _ever_unhealthy(db: sqlite3.Connection, oldest_end: int) -> list[int]:
    """Checks but for those that were well ever since an entry before ``oldest_end``."""
    return [int(check) for (check,) in db.execute(_UNHEALTHY, (oldest_end,))]


def _newest_begun_before(db: sqlite3.Connection, end: float) -> int:
    """0 if there is none."""
    last = db.execute("SELECT id, at FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    if last is None or last[1] < end:
        return int(last[0]) if last else 0
    newest = "SELECT max(id) FROM entries INDEXED BY entries_by_time WHERE at < ?"
    return int(db.execute(newest, (end,)).fetchone()[0] or 0)


def _runs_back(db: sqlite3.Connection, check: int, newest: int) -> Iterator[_Run]:
    """Runs from the one that holds the check's newest entry up to ``newest``, backwards."""
    run = _run_before(db, check, newest + 1)
    if run is not None:
        others = [n for each, n in _VERDICTS_OF.items() if each is not run.state]
        following = [_edge(db, _OLDEST, check, n, run.first, _AFTER_ALL) for n in others]
        before = min((each for each in following if each is not None), default=_AFTER_ALL)
        run = _Run(check, run.state, run.after, run.first, before)
    while run is not None:
        yield run
        run = _run_before(db, check, run.first)


def _run_before(db: sqlite3.Connection, check: int, before: int) -> _Run | None:
    """The run that the newest entry before ``before`` is of, if the check has one."""
    newest = [
        (entry, state)
        for state, numbers in _VERDICTS_OF.items()
        if (entry := _edge(db, _NEWEST, check, numbers, 0, before)) is not None
    ]
    if not newest:
        return None
    newest.sort(reverse=True)
    state = newest[0][1]
    after = newest[1][0] if len(newest) > 1 else 0
    first = _edge(db, _OLDEST, check, _VERDICTS_OF[state], after, before)
    return _Run(check, state, after, first or after + 1, before)


def _edge(
    db: sqlite3.Connection,
    seek: str,
    check: int,
    verdicts: tuple[int, ...],
    after: int,
    before: int,
) -> int | None:
    """The newest or oldest entry of these verdicts between two ids."""
    found = [
        int(row[0])
        for verdict in verdicts
        for row in db.execute(seek, (check, verdict, after, before))
    ]
    if not found:
        return None
    return max(found) if seek is _NEWEST else min(found)


def _touches(db: sqlite3.Connection, run: _Run, start: float, end: float) -> bool:
    return _begun(db, run.first) < end and (run.lasts or _begun(db, run.before) > start)


def _begun(db: sqlite3.Connection, entry: int) -> float:
    return float(_look_up(db, "at", entry)[0])


def _look_up(db: sqlite3.Connection, columns: str, entry: int | None) -> tuple[Any, ...]:
    """Raises Unreadable if the index knows an entry that is not there."""
    found = db.execute(f"SELECT {columns} FROM entries WHERE id = ?", (entry,)).fetchone()
    if found is None:
        raise Unreadable("an entry of the index is missing")
    return tuple(found)


def _period(db: sqlite3.Connection, name: str, run: _Run) -> StatePeriod:
    numbers = _VERDICTS_OF[run.state]
    counts = {
        n: int(db.execute(_COUNT, (run.check, n, run.after, run.before)).fetchone()[0])
        for n in numbers
    }
    highest = max(n for n, count in counts.items() if count)
    worst = _edge(db, _NEWEST, run.check, (highest,), run.after, run.before)
    phase, cause, message = _look_up(db, "phase, cause, message", worst)
    return StatePeriod(
        check=name,
        start=_begun(db, run.first),
        end=None if run.lasts else _begun(db, run.before),
        verdict=VERDICTS[highest],
        phase=phase,
        cause=cause,
        message=message,
        entries=sum(counts.values()),
    )
