"""What each operation does, by its name. Reading ones take a query, writing ones a body."""

from collections.abc import Callable

from pydantic import BaseModel

from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
)
from probe.report.board import SilenceRow
from probe.web.api import (
    check_documents,
    documents,
    incident_schemas,
    requests,
    schemas,
)
from probe.web.api.problem import ApiError
from probe.web.api.source import ApiSource, Unacceptable

Names = dict[str, str]
_EVER = 2.0**40
_NOT_STORED = "is kept in memory, and stored once the disk can be written again"


class ApiHandlers:
    """Each method is named as its operation; ``new_id`` gives ids that sort by time."""

    def __init__(self, source: ApiSource, new_id: Callable[[float], str]) -> None:
        self._source, self._new_id = source, new_id

    async def status(self, names: Names, given: None) -> BaseModel:
        """The state of everything."""
        return documents.status(await self._source.board())

    async def checks(self, names: Names, given: requests.CheckQuery) -> BaseModel:
        """Some of the checks."""
        board = await self._source.board()
        by_service = {name: each.name for each in board.services for name in each.checks}
        rows = [
            row
            for row in board.overview.rows
            if given.service in (None, by_service.get(row.name))
            and given.kind in (None, row.kind)
            and given.verdict in (None, documents.verdict(row.verdict))
        ]
        shown = rows[given.offset : given.offset + given.limit]
        items = [check_documents.check(row, board) for row in shown]
        return schemas.CheckList(
            items=items, total=len(rows), limit=given.limit, offset=given.offset
        )

    async def check(self, names: Names, given: None) -> BaseModel:
        """One check."""
        found = await self._source.check(names["name"])
        if found is None:
            raise ApiError(404, "there is no check with this name: /api/v1/checks lists them")
        return check_documents.check_detail(found, await self._source.board())

    async def incidents(self, names: Names, given: requests.IncidentQuery) -> BaseModel:
        """Some of the incidents."""
        lasts = {"open": True, "resolved": False, "all": None}[given.state]
        start = given.since.timestamp() if given.since else 0.0
        end = given.until.timestamp() if given.until else _EVER
        found, total = await self._source.incidents(
            start, end, given.limit, given.offset, lasts=lasts
        )
        now = self._source.now()
        items = [documents.incident(each, now) for each in found]
        return incident_schemas.IncidentList(
            items=items, total=total, limit=given.limit, offset=given.offset
        )

    async def incident(self, names: Names, given: None) -> BaseModel:
        """One incident."""
        found = await self._incident(names)
        return documents.incident_detail(found, self._source.now())

    async def export_incident(self, names: Names, given: None) -> str:
        """One incident as Markdown."""
        from probe.report.markdown import incident_markdown

        return incident_markdown(await self._incident(names), self._source.now())

    async def add_note(self, names: Names, given: requests.NewNote) -> BaseModel:
        """Add a note."""
        incident, now = await self._incident(names), self._source.now()
        note = Note(self._new_id(now), now, given.author, given.text, given.public)
        self._stored(await self._source.put_note(incident.id, note), "the note")
        return documents.note(note)

    async def delete_note(self, names: Names, given: None) -> None:
        """Delete a note."""
        incident = await self._incident(names)
        if names["note"] not in {note.id for note in incident.notes}:
            raise ApiError(404, "there is no note with this id")
        self._stored(await self._source.delete_note(incident.id, names["note"]), "the deletion")

    async def acknowledge(self, names: Names, given: requests.NewAcknowledgement) -> BaseModel:
        """Somebody takes an incident on."""
        incident = await self._incident(names)
        found = Acknowledgement(self._source.now(), given.author, given.comment)
        stored = await self._source.acknowledge(incident.id, found)
        self._stored(stored, "the acknowledgement")
        return incident_schemas.AcknowledgementModel(
            time=documents.moment(found.at), author=found.author, comment=found.comment
        )

    async def silences(self, names: Names, given: requests.PageQuery) -> BaseModel:
        """Some of the silences."""
        found = list(await self._source.silences())
        shown = found[given.offset : given.offset + given.limit]
        return incident_schemas.SilenceList(
            items=[self._silence(each) for each in shown],
            total=len(found),
            limit=given.limit,
            offset=given.offset,
        )

    async def silence(self, names: Names, given: None) -> BaseModel:
        """One silence."""
        for each in await self._source.silences():
            if each.id == names["id"]:
                return self._silence(each)
        raise ApiError(404, "there is no silence with this id")

    async def add_silence(self, names: Names, given: requests.NewSilence) -> BaseModel:
        """Add a silence."""
        now = self._source.now()
        start = max(now, given.start.timestamp()) if given.start else now
        end = given.end.timestamp() if given.end else start + (given.duration_seconds or 0.0)
        if end <= start:
            raise ApiError(400, "the silence would be over", errors=("end: is not after start",))
        wanted = SilenceRow("", tuple(given.matchers), given.author, given.comment, start, end)
        try:
            added = await self._source.add_silence(wanted)
        except Unacceptable as error:
            raise ApiError(400, str(error), errors=(f"matchers: {error}",)) from None
        if added.problem:
            detail = f"the silence is active, but is lost on a restart: {added.problem}"
            raise ApiError(503, detail)
        return incident_schemas.NewSilenceAnswer(
            silence=self._silence(added.silence),
            checks=list(added.checks),
            alerts=list(added.alerts),
        )

    async def expire_silence(self, names: Names, given: None) -> None:
        """End a silence."""
        if not await self._source.expire_silence(names["id"]):
            raise ApiError(404, "there is no silence with this id")

    async def annotations(self, names: Names, given: requests.TimeQuery) -> BaseModel:
        """Some of the annotations."""
        start = given.since.timestamp() if given.since else 0.0
        end = given.until.timestamp() if given.until else _EVER
        found, total = await self._source.annotations(start, end, given.limit, given.offset)
        items = [documents.annotation(each) for each in found]
        return incident_schemas.AnnotationList(
            items=items, total=total, limit=given.limit, offset=given.offset
        )

    async def add_annotation(self, names: Names, given: requests.NewAnnotation) -> BaseModel:
        """Note an event."""
        now = self._source.now()
        at = given.time.timestamp() if given.time else now
        found = Annotation(
            id=self._new_id(now),
            at=at,
            text=given.text,
            kind=given.kind,
            until=given.end.timestamp() if given.end else None,
            link=given.link,
            commit=given.commit,
            author=given.author,
            tags=tuple(given.tags),
        )
        self._stored(await self._source.put_annotation(found), "the annotation")
        return documents.annotation(found)

    async def announcements(self, names: Names, given: requests.PageQuery) -> BaseModel:
        """Some of the announcements."""
        found = list(await self._source.announcements())
        shown = found[given.offset : given.offset + given.limit]
        return incident_schemas.AnnouncementList(
            items=[documents.announcement(each) for each in shown],
            total=len(found),
            limit=given.limit,
            offset=given.offset,
        )

    async def add_announcement(self, names: Names, given: requests.NewAnnouncement) -> BaseModel:
        """Announce something."""
        now = self._source.now()
        found = Announcement(
            id=self._new_id(now),
            kind=given.kind,
            title=given.title,
            text=given.text,
            start=given.start.timestamp() if given.start else now,
            end=given.end.timestamp() if given.end else None,
            services=tuple(given.services),
            author=given.author,
        )
        self._stored(await self._source.put_announcement(found), "the announcement")
        return documents.announcement(found)

    async def delete_announcement(self, names: Names, given: None) -> None:
        """Delete an announcement."""
        if names["id"] not in {each.id for each in await self._source.announcements()}:
            raise ApiError(404, "there is no announcement with this id")
        self._stored(await self._source.delete_announcement(names["id"]), "the deletion")

    async def _incident(self, names: Names) -> Incident:
        found = await self._source.incident(names["id"])
        if found is None:
            raise ApiError(404, "there is no incident with this id")
        return found

    def _silence(self, row: SilenceRow) -> incident_schemas.SilenceModel:
        return incident_schemas.SilenceModel(
            id=row.id,
            state="pending" if self._source.now() < row.start else "active",
            matchers=list(row.matchers),
            author=row.author,
            comment=row.comment,
            start=documents.moment(row.start),
            end=documents.moment(row.end),
        )

    def _stored(self, is_stored: bool, what: str) -> None:
        if not is_stored:
            problem = self._source.problem() or "the disk does not answer"
            raise ApiError(503, f"{what} {_NOT_STORED}: {problem}")
