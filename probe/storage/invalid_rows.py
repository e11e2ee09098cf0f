"""Rows that make no sense, kept in a table of their own for inspection."""

import sqlite3

from probe.storage.sqlite import transaction

_ASIDE = "unreadable_rows"
_MAX_ASIDE = 200


def quarantine_row(database: sqlite3.Connection, table: str, number: int, now: float) -> None:
    """Move an invalid row to a table of its own, for inspection; ``number`` is its rowid, ``now``
    in seconds since 1970. The oldest of too many are deleted."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    content = " || x'1f' || ".join(f"coalesce(CAST({each} AS BLOB), x'')" for each in columns)
    with transaction(database):
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {_ASIDE}"
            " (number INTEGER PRIMARY KEY, source TEXT, at REAL, content BLOB)"
        )
        database.execute(
            f"INSERT INTO {_ASIDE} (source, at, content)"
            f" SELECT ?, ?, {content} FROM {table} WHERE rowid = ?",
            (table, now, number),
        )
        database.execute(f"DELETE FROM {table} WHERE rowid = ?", (number,))
        database.execute(
            f"DELETE FROM {_ASIDE} WHERE number <="
            f" (SELECT max(number) FROM {_ASIDE}) - {_MAX_ASIDE}"
        )
