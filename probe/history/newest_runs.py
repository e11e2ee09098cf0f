"""The newest runs of each check with their phases, as one document a check, so that they are there
after a restart. Each function is of a database; those that write run in a transaction."""

import sqlite3
from collections.abc import Callable, Collection, Mapping

from probe.storage.salvage import Row

TABLES: Mapping[str, str] = {
    "newest_runs": "CREATE TABLE newest_runs (check_name TEXT PRIMARY KEY, document TEXT NOT NULL)"
}
REQUIRED = ("SELECT check_name, document FROM newest_runs LIMIT 0",)
IS_VALID: Mapping[str, Callable[[Row], bool]] = {
    "newest_runs": lambda row: all(isinstance(each, str) for each in row)
}


def read(db: sqlite3.Connection) -> dict[str, str]:
    """Documents by check."""
    return dict(db.execute("SELECT check_name, document FROM newest_runs").fetchall())


def write(db: sqlite3.Connection, documents: Mapping[str, str], checks: Collection[str]) -> None:
    """Replace these documents; all of others than ``checks`` go."""
    db.executemany("INSERT OR REPLACE INTO newest_runs VALUES (?, ?)", list(documents.items()))
    known = [name for (name,) in db.execute("SELECT check_name FROM newest_runs").fetchall()]
    gone = [(name,) for name in known if name not in checks]
    db.executemany("DELETE FROM newest_runs WHERE check_name = ?", gone)
