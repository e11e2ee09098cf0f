"""Queries for incidents, annotations and announcements.

Each is a function of a database; those that write run inside the caller's transaction.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from probe.history.incidents import codec
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
    Notification,
)
from probe.storage.json_codec import CodecError
from probe.storage.salvage import Row

T = TypeVar("T")
logger = logging.getLogger(__name__)

KEPT_SECONDS = 400 * 86400.0
# At most so many of each are kept; the oldest go first.
MAX_INCIDENTS, MAX_ANNOTATIONS, MAX_ANNOUNCEMENTS = 5000, 5000, 500
# Of one incident.
MAX_NOTIFICATIONS, MAX_NOTES, MAX_ACKNOWLEDGEMENTS = 500, 100, 100
# An annotation counts as near an incident that begins so many seconds after it.
NEAR_SECONDS = 6 * 3600.0
_MAX_NEAR = 50
_CHILDREN = ("notifications", "acknowledgements", "notes")
_READ = "SELECT document FROM incidents"
_WHERE = "WHERE since < ? AND (ended IS NULL OR ended >= ?) AND coalesce(? = (ended IS NULL), TRUE)"


def put_incident(db: sqlite3.Connection, incident: Incident) -> None:
    """Store an incident, in the place of what was known of it; its notifications stay."""
    row = (incident.id, incident.key, incident.since, incident.ended)
    db.execute(
        "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?)",
        (*row, codec.dump_incident(incident)),
    )


def put_complete(db: sqlite3.Connection, incident: Incident) -> None:
    """Store an incident with all that belongs to it."""
    put_incident(db, incident)
    for found in incident.notifications:
        put_notification(db, incident.id, found)
    for taken in incident.acknowledgements:
        put_acknowledgement(db, incident.id, taken)
    for note in incident.notes:
        put_note(db, incident.id, note)
    for annotation in incident.annotations:
        put_annotation(db, annotation)


def rename_incident(db: sqlite3.Connection, old: str, incident: Incident) -> None:
    """Store an incident under another id, with all that belongs to it."""
    for table in _CHILDREN:
        db.execute(
            f"UPDATE OR REPLACE {table} SET incident = ? WHERE incident = ?", (incident.id, old)
        )
    db.execute("DELETE FROM incidents WHERE id = ?", (old,))
    put_incident(db, incident)


def put_notification(db: sqlite3.Connection, incident: str, found: Notification) -> None:
    """Store what became of a message, in the place of what was known of it."""
    row = (incident, found.receiver, found.occasion, found.at)
    db.execute(
        "INSERT OR REPLACE INTO notifications VALUES (?, ?, ?, ?, ?)",
        (*row, codec.dump_notification(found)),
    )
    _keep_newest(db, "notifications", incident, MAX_NOTIFICATIONS)


def put_acknowledgement(db: sqlite3.Connection, incident: str, found: Acknowledgement) -> None:
    """Store that somebody has taken an incident on."""
    row = (incident, found.at, codec.dump_acknowledgement(found))
    db.execute("INSERT OR REPLACE INTO acknowledgements VALUES (?, ?, ?)", row)
    _keep_newest(db, "acknowledgements", incident, MAX_ACKNOWLEDGEMENTS)


def put_note(db: sqlite3.Connection, incident: str, note: Note) -> None:
    """Store a note, in the place of one of that id."""
    row = (note.id, incident, note.at, codec.dump_note(note))
    db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", row)
    _keep_newest(db, "notes", incident, MAX_NOTES)


def delete_note(db: sqlite3.Connection, incident: str, note: str) -> bool:
    """Whether there was one."""
    done = db.execute("DELETE FROM notes WHERE incident = ? AND id = ?", (incident, note))
    return done.rowcount > 0


def put_annotation(db: sqlite3.Connection, annotation: Annotation) -> None:
    """Store an annotation, in the place of one of that id."""
    row = (annotation.id, annotation.at, codec.dump_annotation(annotation))
    db.execute("INSERT OR REPLACE INTO annotations VALUES (?, ?, ?)", row)
    _keep_within(db, "annotations", "at", MAX_ANNOTATIONS)


def put_announcement(db: sqlite3.Connection, announcement: Announcement) -> None:
    """Store an announcement, in the place of one of that id."""
    row = (announcement.id, announcement.start, codec.dump_announcement(announcement))
    db.execute("INSERT OR REPLACE INTO announcements VALUES (?, ?, ?)", row)
    _keep_within(db, "announcements", "start", MAX_ANNOUNCEMENTS)


def delete_announcement(db: sqlite3.Connection, name: str) -> bool:
    """Whether there was one."""
    return db.execute("DELETE FROM announcements WHERE id = ?", (name,)).rowcount > 0


def incidents(
    db: sqlite3.Connection,
    start: float,
    end: float,
    most: int,
    skip: int = 0,
    *,
    lasts: bool | None = None,
) -> list[Incident]:
    """Incidents that overlap the time from ``start`` until before ``end``, newest first,
    with all that belongs to them; ``skip`` of them left out. ``lasts``: only those that do, or
    only those that don't."""
    rows = db.execute(
        f"{_READ} {_WHERE} ORDER BY since DESC, id DESC LIMIT ? OFFSET ?",
        (end, start, lasts, most, skip),
    ).fetchall()
    return [_complete(db, each) for each in _readable(codec.load_incident, rows)]


def count_incidents(
    db: sqlite3.Connection, start: float, end: float, *, lasts: bool | None = None
) -> int:
    """How many :func:`incidents` there are."""
    query = f"SELECT count(*) FROM incidents {_WHERE}"
    return int(db.execute(query, (end, start, lasts)).fetchone()[0])


def incidents_of_check(db: sqlite3.Connection, check: str, most: int) -> list[Incident]:
    """The newest incidents that a check was part of, newest first."""
    rows = db.execute(
        f"{_READ} WHERE EXISTS (SELECT 1 FROM json_each(document, '$.alerts')"
        " WHERE json_extract(value, '$.check') = ?1)"
        " OR EXISTS (SELECT 1 FROM json_each(document, '$.affected') WHERE value = ?1)"
        " ORDER BY since DESC, id DESC LIMIT ?2",
        (check, most),
    ).fetchall()
    return [_complete(db, each) for each in _readable(codec.load_incident, rows)]


def incident(db: sqlite3.Connection, name: str) -> Incident | None:
    """One incident by its id, with all that belongs to it."""
    rows = db.execute(f"{_READ} WHERE id = ?", (name,)).fetchall()
    found = _readable(codec.load_incident, rows) or _by_alias(db, name)
    return _complete(db, found[0]) if found else None


def _by_alias(db: sqlite3.Connection, name: str) -> list[Incident]:
    """What was called so before several probes agreed on an id; links may have the old one."""
    rows = db.execute(f"{_READ} WHERE instr(document, ?) > 0", (f'"{name}"',)).fetchall()
    return [each for each in _readable(codec.load_incident, rows) if name in each.aliases]


def open_incidents(db: sqlite3.Connection) -> list[Incident]:
    """All that last, oldest first."""
    rows = db.execute(f"{_READ} WHERE ended IS NULL ORDER BY since, id").fetchall()
    return [_complete(db, each) for each in _readable(codec.load_incident, rows)]


def newest_by_key(db: sqlite3.Connection, since: float) -> dict[str, str]:
    """The id of the newest incident of each key that lasts or ended after ``since``."""
    rows = db.execute(
        "SELECT key, id FROM incidents WHERE ended IS NULL OR ended >= ? ORDER BY since, id",
        (since,),
    )
    return dict(rows.fetchall())


def annotations(
    db: sqlite3.Connection, start: float, end: float, most: int, skip: int = 0
) -> list[Annotation]:
    """Annotations from ``start`` until before ``end``, newest first, ``skip`` left out."""
    rows = db.execute(
        "SELECT document FROM annotations WHERE at >= ? AND at < ?"
        " ORDER BY at DESC, id DESC LIMIT ? OFFSET ?",
        (start, end, most, skip),
    ).fetchall()
    return _readable(codec.load_annotation, rows)


def count_annotations(db: sqlite3.Connection, start: float, end: float) -> int:
    """How many :func:`annotations` there are."""
    query = "SELECT count(*) FROM annotations WHERE at >= ? AND at < ?"
    return int(db.execute(query, (start, end)).fetchone()[0])


def announcements(db: sqlite3.Connection, start: float) -> list[Announcement]:
    """Announcements that end after ``start``, the newest first."""
    rows = db.execute("SELECT document FROM announcements ORDER BY start DESC, id").fetchall()
    found = _readable(codec.load_announcement, rows)
    return [each for each in found if not each.is_over(start)]


def trim(db: sqlite3.Connection, now: float) -> None:
    """Delete what is older than 400 days, or more than is kept. A clock that is ahead deletes a
    tenth at most; open incidents stay."""
    oldest = now - KEPT_SECONDS
    total = int(db.execute("SELECT count(*) FROM incidents").fetchone()[0])
    over = max(total - MAX_INCIDENTS, 0)
    rows = db.execute(
        "SELECT id, since FROM incidents WHERE ended IS NOT NULL ORDER BY since LIMIT ?",
        (max(over, total // 10, 1),),
    ).fetchall()
    gone = [name for place, (name, since) in enumerate(rows) if place < over or since < oldest]
    for name in gone:
        _delete_incident(db, name)
    for table, column in (("annotations", "at"), ("announcements", "start")):
        tenth = db.execute(f"SELECT count(*) / 10 + 1 FROM {table}").fetchone()[0]
        db.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < ?"
            f" ORDER BY {column} LIMIT ?)",
            (oldest, tenth),
        )


def _delete_incident(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM incidents WHERE id = ?", (name,))
    for table in _CHILDREN:
        db.execute(f"DELETE FROM {table} WHERE incident = ?", (name,))


def _complete(db: sqlite3.Connection, found: Incident) -> Incident:
    end = found.ended if found.ended is not None else float("inf")
    near = annotations(db, found.since - NEAR_SECONDS, end, _MAX_NEAR)
    return replace(
        found,
        notifications=_children(db, "notifications", found.id, codec.load_notification),
        acknowledgements=_children(db, "acknowledgements", found.id, codec.load_acknowledgement),
        notes=_children(db, "notes", found.id, codec.load_note),
        annotations=tuple(reversed(near)),
    )


def _children(
    db: sqlite3.Connection, table: str, incident: str, load: Callable[[str], T]
) -> tuple[T, ...]:
    rows = db.execute(f"SELECT document FROM {table} WHERE incident = ? ORDER BY at", (incident,))
    return tuple(_readable(load, rows.fetchall()))


def _readable(load: Callable[[str], T], rows: Iterable[Row]) -> list[T]:
    """The documents, which are the rows' first columns; one that can't be read is passed over, so
    that it doesn't hide the others."""
    found = []
    for document, *_ in rows:
        try:
            found.append(load(document))
        except CodecError:
            logger.warning("a document of history can't be read and is passed over")
    return found


def _keep_newest(db: sqlite3.Connection, table: str, incident: str, most: int) -> None:
    db.execute(
        f"DELETE FROM {table} WHERE incident = ?1 AND rowid NOT IN (SELECT rowid FROM {table}"
        " WHERE incident = ?1 ORDER BY at DESC LIMIT ?2)",
        (incident, most),
    )


def _keep_within(db: sqlite3.Connection, table: str, column: str, most: int) -> None:
    db.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY {column} DESC"
        " LIMIT -1 OFFSET ?)",
        (most,),
    )
