"""The queries of silences; synchronous. Other processes write the same table.

A query that writes runs inside a transaction. All raise sqlite3.Error.
"""

import logging
import sqlite3
from collections.abc import Iterable

from alerts.model import Silence
from alerts.outbox.codec import dump_silence, load_silence
from probe.storage.json_codec import CodecError

# Expired silences are kept for a while: who silenced what, and why, is asked afterwards.
SILENCE_KEPT_SECONDS = 30 * 86400.0
# As the end of a silence that has ended, whatever the wall clock says later.
ENDED = 0.0

SilenceRow = tuple[str, float, str]

logger = logging.getLogger(__name__)


def silences(db: sqlite3.Connection, now: float) -> list[Silence]:
    """Those that end after ``now``, and have not ended before."""
    found = []
    for (document,) in db.execute(
        "SELECT document FROM silences WHERE ends > ? ORDER BY ends, name", (now,)
    ):
        try:
            found.append(load_silence(document))
        except CodecError as error:
            logger.warning("a silence can't be read and is skipped: %s", error)
    return found


def silence_rows(db: sqlite3.Connection) -> list[SilenceRow]:
    """All silences as they are stored."""
    return db.execute("SELECT name, ends, document FROM silences").fetchall()


def set_silences(db: sqlite3.Connection, rows: Iterable[SilenceRow]) -> None:
    """These are the silences; one that is known to have ended has ended."""
    known = {row[0]: row for row in silence_rows(db) if row[1] == ENDED}
    merged = [(row[0], ENDED, row[2]) if _is_same(known.get(row[0]), row) else row for row in rows]
    db.execute("DELETE FROM silences")
    db.executemany("INSERT OR REPLACE INTO silences VALUES (?, ?, ?)", merged)


def ended_silences(db: sqlite3.Connection, now: float) -> list[SilenceRow]:
    """What has ended by now and is not known to have: it does not hold again when the wall clock
    is set back into its time."""
    query = "SELECT name, ends, document FROM silences WHERE ends > ? AND ends <= ?"
    return db.execute(query, (ENDED, now)).fetchall()


def note_ended(db: sqlite3.Connection, rows: Iterable[SilenceRow]) -> None:
    """Remember that silences have ended, unless others have taken their names."""
    query = "UPDATE silences SET ends = ? WHERE name = ? AND ends = ? AND document = ?"
    db.executemany(query, [(ENDED, *row) for row in rows])


def add_silence(db: sqlite3.Connection, silence: Silence) -> None:
    """Store it; those long over go."""
    end = "CASE WHEN json_valid(document) THEN json_extract(document, '$.end') ELSE ends END"
    long_over = silence.start - SILENCE_KEPT_SECONDS
    db.execute(f"DELETE FROM silences WHERE {end} < ?", (long_over,))
    row = (silence.name, silence.end, dump_silence(silence))
    db.execute("INSERT OR REPLACE INTO silences VALUES (?, ?, ?)", row)


def end_silence(db: sqlite3.Connection, name: str, now: float) -> bool:
    """Whether there was one to end."""
    ended = db.execute(
        "UPDATE silences SET ends = ?3, document = json_set(document, '$.end', ?2)"
        " WHERE name = ?1 AND ends > ?2",
        (name, now, ENDED),
    )
    return ended.rowcount > 0


def _is_same(known: SilenceRow | None, row: SilenceRow) -> bool:
    """Whether it is the same silence, whenever it ends: its name may be another one's later."""
    if known is None or known == row:
        return known is not None
    try:
        return load_silence(known[2]).start == load_silence(row[2]).start
    except CodecError:
        return False
