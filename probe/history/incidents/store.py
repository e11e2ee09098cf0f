"""Incidents, annotations and announcements in history, as coroutines use them."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from probe.history.history import History
from probe.history.incidents import queries
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
    Notification,
)
from probe.history.incidents.waiting import IncidentChange, answer_with, changed_by, of_incidents
from probe.history.write_queue import Change

Query = Callable[[sqlite3.Connection], list[Incident]]

# A page of incidents holds at most so many.
MAX_PER_PAGE = 200


def new_id(moment: float) -> str:
    """An id that no other has and that sorts by time: ``20260101-031200-9f3a1c``."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class IncidentHistory:
    """What is kept of incidents; lists and single ones have what waits for the disk. ``keep`` and
    ``keep_notification`` return at once and are written soon; the others that write say whether
    it is written by now (if not, it is tried again)."""

    def __init__(self, history: History) -> None:
        self._history = history

    def keep(self, incident: Incident) -> None:
        """Store an incident, in the place of what was known of it."""
        key = ("incident", incident.id)
        self._change(incident.id, key, lambda db: queries.put_incident(db, incident))

    def rename(self, old: str, incident: Incident) -> None:
        """An incident has another id from now on."""
        key = ("rename", old, incident.id)
        self._change(old, key, lambda db: queries.rename_incident(db, old, incident))

    def keep_notification(self, incident: str, found: Notification) -> None:
        """Store what became of a message of an incident."""
        key = ("notification", incident, found.receiver, found.occasion, found.at)
        self._change(incident, key, lambda db: queries.put_notification(db, incident, found))

    async def list(
        self,
        start: float,
        end: float,
        *,
        most: int = MAX_PER_PAGE,
        skip: int = 0,
        lasts: bool | None = None,
    ) -> Sequence[Incident]:
        """Incidents that overlap the time from ``start`` until before ``end``, newest first.
        ``lasts``: only those that do, or only those that don't."""
        most = min(most, MAX_PER_PAGE)
        return await self._query(
            lambda db: queries.incidents(db, start, end, most + skip, lasts=lasts),
            lambda db: queries.incidents(db, start, end, most, skip, lasts=lasts),
        )

    async def count(self, start: float, end: float, *, lasts: bool | None = None) -> int:
        """How many incidents :meth:`list` has in all."""
        return await self._history.query(
            lambda db: queries.count_incidents(db, start, end, lasts=lasts), 0
        )

    async def of_check(self, check: str, *, most: int = 20) -> Sequence[Incident]:
        """The newest incidents that a check was part of, newest first."""
        return await self._query(lambda db: queries.incidents_of_check(db, check, most))

    async def get(self, name: str) -> Incident | None:
        """One incident by its id."""

        def query(db: sqlite3.Connection) -> list[Incident]:
            found = queries.incident(db, name)
            return [] if found is None else [found]

        return next(iter(await self._query(query)), None)

    async def open(self) -> Sequence[Incident]:
        """Incidents that last, oldest first."""
        return await self._history.query(queries.open_incidents, [])

    async def newest_by_key(self, since: float) -> dict[str, str]:
        """The id of the newest incident of each key that lasts or ended after ``since``."""
        return await self._history.query(lambda db: queries.newest_by_key(db, since), {})

    async def acknowledge(self, incident: str, found: Acknowledgement) -> bool:
        """Somebody has taken an incident on."""
        key = ("acknowledgement", incident, found.at)
        return await self._change_now(
            incident, key, lambda db: queries.put_acknowledgement(db, incident, found)
        )

    async def put_note(self, incident: str, note: Note) -> bool:
        """Store a note, in the place of one of that id."""
        key = ("note", note.id)
        return await self._change_now(
            incident, key, lambda db: queries.put_note(db, incident, note)
        )

    async def delete_note(self, incident: str, note: str) -> bool:
        """Delete a note."""
        key = ("note", note)
        return await self._change_now(
            incident, key, lambda db: queries.delete_note(db, incident, note)
        )

    async def annotations(
        self, start: float, end: float, *, most: int = MAX_PER_PAGE, skip: int = 0
    ) -> Sequence[Annotation]:
        """Annotations from ``start`` until before ``end``, newest first."""
        return await self._history.query(
            lambda db: queries.annotations(db, start, end, most, skip), []
        )

    async def count_annotations(self, start: float, end: float) -> int:
        """How many annotations there are in that time."""
        return await self._history.query(lambda db: queries.count_annotations(db, start, end), 0)

    async def put_annotation(self, annotation: Annotation) -> bool:
        """Store an annotation, in the place of one of that id."""
        key = ("annotation", annotation.id)
        return await self._change_now("", key, lambda db: queries.put_annotation(db, annotation))

    async def announcements(self, since: float) -> Sequence[Announcement]:
        """Announcements that end after ``since``, the newest first."""
        return await self._history.query(lambda db: queries.announcements(db, since), [])

    async def put_announcement(self, announcement: Announcement) -> bool:
        """Store an announcement, in the place of one of that id."""
        key = ("announcement", announcement.id)
        return await self._change_now(
            "", key, lambda db: queries.put_announcement(db, announcement)
        )

    async def delete_announcement(self, name: str) -> bool:
        """Delete an announcement."""
        key = ("announcement", name)
        return await self._change_now("", key, lambda db: queries.delete_announcement(db, name))

    def _change(self, incident: str, key: Hashable, change: Change) -> None:
        self._history.change(key, self._noted(incident, change))

    async def _change_now(self, incident: str, key: Hashable, change: Change) -> bool:
        return await self._history.change_now(key, self._noted(incident, change))

    async def _query(self, stored: Query, query: Query | None = None) -> Sequence[Incident]:
        """The answer to a query, with what waits for the disk: then it is asked of all that
        ``stored`` gives, changed by that."""
        query = query or stored
        waiting = of_incidents(self._history.waiting_changes)
        if not waiting:
            return await self._history.query(query, [])
        known = await self._history.query(
            lambda db: [*changed_by(db, waiting), *stored(db)], list[Incident]()
        )
        with suppress(sqlite3.Error):
            return await asyncio.to_thread(answer_with, known, waiting, query)
        return await self._history.query(query, [])

    def _noted(self, incident: str, change: Change) -> Change:
        """The change, which pages then know of."""

        def written() -> None:
            self._history.revision += 1

        return IncidentChange(incident, change, written)
