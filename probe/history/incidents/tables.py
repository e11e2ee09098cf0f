"""The tables of incidents, annotations and announcements.

A document is JSON that :mod:`probe.history.incidents.codec` reads and writes; what is asked by is a
column next to it.
"""

from collections.abc import Callable, Mapping

from probe.history.incidents import codec
from probe.storage.salvage import Row

TABLES: Mapping[str, str] = {
    "incidents": "CREATE TABLE incidents (id TEXT PRIMARY KEY, key TEXT NOT NULL,"
    " since REAL NOT NULL, ended REAL, document TEXT NOT NULL)",
    "notifications": "CREATE TABLE notifications (incident TEXT NOT NULL, receiver TEXT NOT NULL,"
    " occasion TEXT NOT NULL, at REAL NOT NULL, document TEXT NOT NULL,"
    " PRIMARY KEY (incident, receiver, occasion, at))",
    "acknowledgements": "CREATE TABLE acknowledgements (incident TEXT NOT NULL, at REAL NOT NULL,"
    " document TEXT NOT NULL, PRIMARY KEY (incident, at))",
    "notes": "CREATE TABLE notes (id TEXT PRIMARY KEY, incident TEXT NOT NULL, at REAL NOT NULL,"
    " document TEXT NOT NULL)",
    "annotations": "CREATE TABLE annotations (id TEXT PRIMARY KEY, at REAL NOT NULL,"
    " document TEXT NOT NULL)",
    "announcements": "CREATE TABLE announcements (id TEXT PRIMARY KEY, start REAL NOT NULL,"
    " document TEXT NOT NULL)",
}
INDEXES = (
    "CREATE INDEX IF NOT EXISTS incidents_by_since ON incidents (since)",
    "CREATE INDEX IF NOT EXISTS incidents_by_key ON incidents (key, since)",
    "CREATE INDEX IF NOT EXISTS notes_by_incident ON notes (incident, at)",
    "CREATE INDEX IF NOT EXISTS annotations_by_at ON annotations (at)",
)
REQUIRED = (
    "SELECT id, key, since, ended, document FROM incidents LIMIT 0",
    "SELECT incident, receiver, occasion, at, document FROM notifications LIMIT 0",
    "SELECT incident, at, document FROM acknowledgements LIMIT 0",
    "SELECT id, incident, at, document FROM notes LIMIT 0",
    "SELECT id, at, document FROM annotations LIMIT 0",
    "SELECT id, start, document FROM announcements LIMIT 0",
)


def _valid(load: Callable[[str], object], moments: tuple[int, ...]) -> Callable[[Row], bool]:
    def is_valid(row: Row) -> bool:
        load(row[-1])  # raises for what it can't read
        return isinstance(row[0], str) and all(isinstance(row[at], float) for at in moments)

    return is_valid


IS_VALID: Mapping[str, Callable[[Row], bool]] = {
    "incidents": _valid(codec.load_incident, (2,)),
    "notifications": _valid(codec.load_notification, (3,)),
    "acknowledgements": _valid(codec.load_acknowledgement, (1,)),
    "notes": _valid(codec.load_note, (2,)),
    "annotations": _valid(codec.load_annotation, (1,)),
    "announcements": _valid(codec.load_announcement, (1,)),
}
