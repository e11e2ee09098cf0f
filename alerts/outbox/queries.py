"""The queries of the outbox to its database; synchronous.

A query that writes runs inside a transaction. All raise sqlite3.Error.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace as changed

from alerts.model import Delivery, MessageType
from alerts.outbox.codec import dump_message, load_message
from alerts.outbox.stored_times import ClockReading, moved_text, newest_time, reading_of
from probe.storage.json_codec import CodecError

MAX_REFUSED = 50

# The identity under which the clock of all stored times is kept.
CLOCK = "clock"
_QUEUES = ("deliveries", "refused")

_COLUMNS = "number, notifier, at, attempts, due, error, message"
_Row = tuple[int, str, float, int, float, str, str]

logger = logging.getLogger(__name__)


def commit(
    db: sqlite3.Connection,
    states: Mapping[str, str | None],
    deliveries: Iterable[Delivery],
    reading: ClockReading,
) -> list[Delivery]:
    """Store or delete states, append deliveries; returns them with their numbers. One that
    has a number already keeps it. Their times are by the clock of ``reading``."""
    _set_clock(db, reading)
    dropped = [(identity,) for identity, document in states.items() if document is None]
    db.executemany("DELETE FROM states WHERE identity = ?", dropped)
    kept = [each for each in states.items() if each[1] is not None]
    db.executemany("INSERT OR REPLACE INTO states VALUES (?, ?)", kept)
    return [
        changed(each, number=_insert(db, "deliveries", each, each.number or None))
        for each in deliveries
    ]


def states(db: sqlite3.Connection) -> dict[str, str]:
    """Every identity's document."""
    return dict(
        db.execute(
            "SELECT identity, document FROM states WHERE identity != ? ORDER BY identity", (CLOCK,)
        )
    )


def clock(db: sqlite3.Connection) -> ClockReading | None:
    """The clock that stored times are by; None where there is no record of it."""
    row = db.execute("SELECT document FROM states WHERE identity = ?", (CLOCK,)).fetchone()
    return None if row is None else reading_of(row[0])


def note_journal(db: sqlite3.Connection, number: int) -> None:
    """The journal of open incidents has so many records by now, or should have."""
    db.execute(
        "UPDATE states SET document = json_set(document, '$.journal', ?1) WHERE identity = ?2"
        " AND json_valid(document) AND coalesce(json_extract(document, '$.journal'), 0) < ?1",
        (number, CLOCK),
    )


def journal_number(db: sqlite3.Connection) -> int:
    """The number of :func:`note_journal`; 0 where there is none."""
    query = (
        "SELECT json_extract(document, '$.journal') FROM states"
        " WHERE identity = ? AND json_valid(document)"
    )
    (number,) = db.execute(query, (CLOCK,)).fetchone() or (0,)
    return number if isinstance(number, int) else 0


def newest(db: sqlite3.Connection) -> float | None:
    """The newest of the stored times; None if there is none."""
    documents = [*states(db).values()]
    for table in _QUEUES:
        documents += [message for (message,) in db.execute(f"SELECT message FROM {table}")]
    return newest_time(documents)


def move_times(db: sqlite3.Connection, seconds: float, reading: ClockReading) -> None:
    """Move all stored times, which are by this clock from now on. Silences stay: people write
    them by the wall clock."""
    _set_clock(db, reading)
    if not seconds:
        return
    for identity, document in states(db).items():
        row = (moved_text(document, seconds), identity)
        db.execute("UPDATE states SET document = ? WHERE identity = ?", row)
    for table in _QUEUES:
        for number, message in db.execute(f"SELECT number, message FROM {table}").fetchall():
            db.execute(
                f"UPDATE {table} SET at = at + ?1, due = due + ?1, message = ?2 WHERE number = ?3",
                (seconds, moved_text(message, seconds), number),
            )


def waiting(db: sqlite3.Connection, notifier: str | None) -> list[Delivery]:
    """What waits, in order. A row that can't be decoded is removed: it would wait forever."""
    return _read(db, "deliveries", "WHERE ?1 IS NULL OR notifier = ?1", (notifier,))


def refused(db: sqlite3.Connection) -> list[Delivery]:
    """What was refused for good, oldest first."""
    return _read(db, "refused", "", ())


def memory(db: sqlite3.Connection, notifier: str, key: str) -> dict[str, str]:
    """What a notifier remembers of a key."""
    row = db.execute(
        "SELECT memory FROM memories WHERE notifier = ? AND key = ?", (notifier, key)
    ).fetchone()
    try:
        return {} if row is None else {str(k): str(v) for k, v in json.loads(row[0]).items()}
    except (AttributeError, TypeError, ValueError):
        logger.error("the memory of %s can't be read and is dropped", notifier)
        return {}


def remember(db: sqlite3.Connection, notifier: str, key: str, memory: Mapping[str, str]) -> None:
    """Keep what a notifier wanted to remember, unless it is known."""
    row = (notifier, key, json.dumps(dict(memory)))
    db.execute("INSERT OR IGNORE INTO memories VALUES (?, ?, ?)", row)


def begin(db: sqlite3.Connection, delivery: Delivery) -> Delivery:
    """One attempt more."""
    begun = changed(delivery, attempts=delivery.attempts + 1)
    db.execute(
        "UPDATE deliveries SET attempts = ? WHERE number = ?", (begun.attempts, begun.number)
    )
    return begun


def delivered(db: sqlite3.Connection, delivery: Delivery, memory: Mapping[str, str]) -> None:
    """Remove it, keep or drop the key's memory."""
    _remove(db, delivery)
    place = (delivery.notifier, delivery.message.key)
    if delivery.message.occasion is MessageType.RESOLVED:
        db.execute("DELETE FROM memories WHERE notifier = ? AND key = ?", place)
    elif memory:
        document = json.dumps(dict(memory))
        db.execute("INSERT OR REPLACE INTO memories VALUES (?, ?, ?)", (*place, document))


def failed(db: sqlite3.Connection, delivery: Delivery, error: str, due: float) -> None:
    """Note why, and when to try again."""
    db.execute(
        "UPDATE deliveries SET error = ?, due = ? WHERE number = ?", (error, due, delivery.number)
    )


def withdraw(db: sqlite3.Connection, notifier: str, key: str, last: int | None) -> None:
    """Remove what waits for a notifier under a key, up to a ``last`` number if there is one."""
    db.execute(
        "DELETE FROM deliveries WHERE notifier = ? AND json_extract(message, '$.key') = ?"
        " AND (? IS NULL OR number <= ?)",
        (notifier, key, last, last),
    )


def drop_overtaken(db: sqlite3.Connection, sent: Mapping[tuple[str, str], float]) -> None:
    """Remove what waited in a file that could not be read, where its receiver has taken something
    newer of the same key since: a trigger of what is over, or an end of what fires anew."""
    db.executemany(
        "DELETE FROM deliveries WHERE number < 0 AND notifier = ?"
        " AND json_extract(message, '$.key') = ? AND at <= ?",
        [(notifier, key, at) for (notifier, key), at in sent.items()],
    )


def dead_letter(db: sqlite3.Connection, delivery: Delivery, error: str) -> None:
    """From the waiting to the refused."""
    _remove(db, delivery)
    (newest,) = db.execute("SELECT coalesce(max(number), 0) FROM refused").fetchone()
    _insert(db, "refused", changed(delivery, error=error), newest + 1)
    db.execute("DELETE FROM refused WHERE number <= ?", (newest + 1 - MAX_REFUSED,))


def replace(db: sqlite3.Connection, old: Sequence[Delivery], new: Delivery | None) -> None:
    """Several become one, at the place of the first, or none."""
    for each in old:
        _remove(db, each)
    if new is not None:
        _insert(db, "deliveries", new, old[0].number)


def count(db: sqlite3.Connection) -> tuple[int, float | None, int]:
    """How many wait, since when the oldest does, how many were refused."""
    waiting, oldest = db.execute("SELECT count(*), min(at) FROM deliveries").fetchone()
    (refused,) = db.execute("SELECT count(*) FROM refused").fetchone()
    return waiting, oldest, refused


def _set_clock(db: sqlite3.Connection, reading: ClockReading) -> None:
    number = journal_number(db)
    row = (CLOCK, json.dumps(reading.dump(), separators=(",", ":")))
    db.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", row)
    note_journal(db, number)


def _insert(db: sqlite3.Connection, table: str, each: Delivery, number: int | None) -> int:
    message = each.message
    row = (number, each.notifier, message.at, each.attempts, each.due, each.error)
    inserted = db.execute(
        f"INSERT OR REPLACE INTO {table} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*row, dump_message(message)),
    )
    return int(inserted.lastrowid or 0)


def _remove(db: sqlite3.Connection, delivery: Delivery) -> None:
    db.execute("DELETE FROM deliveries WHERE number = ?", (delivery.number,))


def _read(
    db: sqlite3.Connection, table: str, where: str, values: tuple[str | None, ...]
) -> list[Delivery]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM {table} {where} ORDER BY number", values)
    found = []
    for row in rows.fetchall():
        try:
            found.append(_delivery(row))
        except CodecError as error:
            logger.error("a message to %s is dropped: %s", row[1], error)
            db.execute(f"DELETE FROM {table} WHERE number = ?", (row[0],))
    return found


def _delivery(row: _Row) -> Delivery:
    number, notifier, _, attempts, due, error, message = row
    return Delivery(notifier, load_message(message), number, attempts, due, error)
