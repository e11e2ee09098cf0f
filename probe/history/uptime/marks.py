"""Single numbers that history keeps about itself, moments at which the probe stopped, and for how
long results hold. Each function is of a database; those that write run in a transaction."""

import sqlite3
from collections.abc import Mapping

# Hours before this one (counted since 1970) are aggregated.
ROLLED_HOURS = "rolled_hours"
# Results that began before this moment may have been deleted.
DELETED_BEFORE = "deleted_before"
# When the probe was last known to run.
ALIVE = "alive"

# Of a check's number: its entries up to this moment were not all written in the order of time.
_LATE_UNTIL = "late_until "

MAX_STOPS = 2000
MAX_HOLDS = 20


def mark(db: sqlite3.Connection, name: str) -> float | None:
    """The number of that name; None if there is none."""
    row = db.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return float(row[0]) if row is not None else None


def set_mark(db: sqlite3.Connection, name: str, value: float) -> None:
    """Set a number."""
    db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, float(value)))


def note_deleted(db: sqlite3.Connection, newest: float | None) -> None:
    """Results up to this moment are being deleted."""
    before = mark(db, DELETED_BEFORE)
    if newest is not None and (before is None or newest > before):
        set_mark(db, DELETED_BEFORE, newest)


def begin(db: sqlite3.Connection, now: float) -> None:
    """The probe starts: what it measured before holds until it was last known to run."""
    alive = mark(db, ALIVE)
    if alive is not None:
        db.execute("INSERT OR IGNORE INTO stops VALUES (?)", (min(alive, now),))
        db.execute(
            "DELETE FROM stops WHERE at IN (SELECT at FROM stops ORDER BY at DESC"
            " LIMIT -1 OFFSET ?)",
            (MAX_STOPS,),
        )
    set_mark(db, ALIVE, now)


def set_holds(db: sqlite3.Connection, longest: Mapping[str, float], now: float) -> None:
    """From now on results of these checks hold for so many seconds when no other follows."""
    for check, seconds in longest.items():
        newest = "SELECT seconds FROM holds WHERE check_name = ? ORDER BY since DESC LIMIT 1"
        row = db.execute(newest, (check,)).fetchone()
        if row is None or row[0] != seconds:
            values = (check, float(now), float(seconds))
            db.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", values)
            db.execute(
                "DELETE FROM holds WHERE check_name = ?1 AND since NOT IN (SELECT since FROM holds"
                " WHERE check_name = ?1 ORDER BY since DESC LIMIT ?2)",
                (check, MAX_HOLDS),
            )


def note_late(db: sqlite3.Connection, check: int, after: float) -> None:
    """An entry of a check is written after one that began later, at ``after``."""
    known = mark(db, f"{_LATE_UNTIL}{check}")
    set_mark(db, f"{_LATE_UNTIL}{check}", after if known is None else max(after, known))


def late_until(db: sqlite3.Connection) -> dict[int, float]:
    """Checks with late entries, and until when their order of writing isn't that of time."""
    rows = db.execute("SELECT name, value FROM marks WHERE name GLOB ?", (f"{_LATE_UNTIL}[0-9]*",))
    return {int(name.removeprefix(_LATE_UNTIL)): float(value) for name, value in rows}
