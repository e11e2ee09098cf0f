"""What an earlier process stored, in a file that could be read only later: added to what this
process has stored since, so that nothing of either is lost.

What this process knows of a state or a memory is newer. Messages that waited come before its own:
their numbers are below zero.
"""

from collections.abc import Callable, Sequence
from typing import Any

from alerts.outbox.queries import CLOCK
from alerts.outbox.stored_times import (
    ClockReading,
    EarlierClocks,
    moved_text,
    newest_time,
    reading_of,
)
from probe.storage.replica import Tables
from probe.storage.salvage import Row

_QUEUES = ("deliveries", "refused")
# Of how many columns the key of other tables consists; silences are shared and stay in the file.
_KEYS = {"states": 1, "memories": 2}


def late_rows(late: Tables, tables: Tables, now: ClockReading) -> Tables:
    """The rows of ``late`` that are missing in ``tables``, their times by the clock ``now``."""
    known = dict(tables)
    clock, documents = None, []
    for table, rows in late:
        for row in rows:
            if table == "states" and row[0] == CLOCK:
                clock = reading_of(row[1])
            elif table != "silences":
                documents.append(row[-1])
    newest = newest_time(documents) if clock is None else None
    step = EarlierClocks([clock], now).step(clock, newest)
    return [(table, _missing(table, rows, known.get(table, ()), step)) for table, rows in late]


def merger(clock: Callable[[], ClockReading]) -> Callable[[Tables, Tables], Tables]:
    """Adds to the rows of a snapshot those that are missing in it."""
    return lambda late, tables: [*tables, *late_rows(late, tables, clock())]


def _missing(table: str, rows: Sequence[Row], known: Sequence[Row], step: float) -> list[Row]:
    if table in _QUEUES:
        above = max((row[0] for row in rows), default=0) + 1
        return [_queued(row, above, step) for row in rows]
    size = _KEYS.get(table)
    if size is None:
        return []
    have = {tuple(row[:size]) for row in known}
    missing = [row for row in rows if tuple(row[:size]) not in have and row[0] != CLOCK]
    return [_moved_state(row, step) if table == "states" else row for row in missing]


def _queued(row: Row, above: int, step: float) -> Row:
    number, notifier, at, attempts, due, error, message = row
    return (
        number - above,
        *(notifier, at + step, attempts, due + step, error),
        moved_text(message, step) if step else message,
    )


def _moved_state(row: Row, step: float) -> Row:
    identity, document = row
    found: tuple[Any, ...] = (identity, moved_text(document, step) if step else document)
    return found
