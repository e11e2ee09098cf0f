"""What pages show of incidents while their changes wait for the disk (it is full, or hangs)."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TypeVar

from probe.history.incidents import queries
from probe.history.incidents.model import Incident
from probe.history.incidents.tables import TABLES
from probe.history.write_queue import Change
from probe.storage.sqlite import transaction

T = TypeVar("T")


class IncidentChange:
    """A change of what is kept of an incident, which is stored under an id now (empty: of none);
    ``written`` is called once it is."""

    def __init__(self, incident: str, change: Change, written: Callable[[], None]) -> None:
        self.incident, self.change, self._written = incident, change, written

    def __call__(self, db: sqlite3.Connection) -> None:
        self.change(db)
        self._written()


def of_incidents(changes: Iterable[Change]) -> list[IncidentChange]:
    """The changes of incidents among some."""
    return [each for each in changes if isinstance(each, IncidentChange)]


def changed_by(db: sqlite3.Connection, changes: Iterable[IncidentChange]) -> list[Incident]:
    """The stored incidents that are about to change."""
    names = dict.fromkeys(each.incident for each in changes if each.incident)
    return [*filter(None, (queries.incident(db, name) for name in names))]


def answer_with(
    stored: Iterable[Incident],
    changes: Iterable[IncidentChange],
    query: Callable[[sqlite3.Connection], T],
) -> T:
    """What a query of these stored incidents gives once the changes are written. Raises
    sqlite3.Error."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db, transaction(db):
        for table in TABLES.values():
            db.execute(table)
        for incident in stored:
            queries.put_complete(db, incident)
        for change in changes:
            change.change(db)
        return query(db)
