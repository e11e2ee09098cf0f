"""What each operation does, by its name. Reading ones take a query, writing ones a body."""

from collections.abc import Callable

from pydantic import BaseModel

from probe.history.incidents.model import (
    Acknowledgement,
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

PathParams = dict[str, str]
_EVER = 2.0**40
_NOT_STORED = "is kept in memory, and stored once the disk can be written again"


class ApiHandlers:
    """Each method is named as its operation; ``new_id`` gives ids that sort by time."""

    def __init__(self, source: ApiSource, new_id: Callable[[float], str]) -> None:
        self._source, self._new_id = source, new_id

    async def status(self, path: PathParams, request: None) -> BaseModel:
        """The state of everything."""
        return documents.status(await self._source.board())

    async def checks(self, path: PathParams, request: requests.CheckQuery) -> BaseModel:
        """Some of the checks."""
        board = await self._source.board()
        by_service = {name: each.name for each in board.services for name in each.checks}
        rows = [
            row
            for row in board.overview.rows
            if request.service in (None, by_service.get(row.name))
            and request.kind in (None, row.kind)
            and request.verdict in (None, documents.verdict(row.verdict))
        ]
        shown = rows[request.offset : request.offset + request.limit]
        items = [check_documents.check(row, board) for row in shown]
        return schemas.CheckList(
            items=items, total=len(rows), limit=request.limit, offset=request.offset
        )

    async def check(self, path: PathParams, request: None) -> BaseModel:
        """One check."""
        found = await self._source.check(path["name"])
        if found is None:
            raise ApiError(404, "there is no check with this name: /api/v1/checks lists them")
        return check_documents.check_detail(found, await self._source.board())

    async def incidents(self, path: PathParams, request: requests.IncidentQuery) -> BaseModel:
        """Some of the incidents."""
        lasts = {"open": True, "resolved": False, "all": None}[request.state]
        start = request.since.timestamp() if request.since else 0.0
        end = request.until.timestamp() if request.until else _EVER
        found, total = await self._source.incidents(
            start, end, request.limit, request.offset, lasts=lasts
        )
        now = self._source.now()
        items = [documents.incident(each, now) for each in found]
        return incident_schemas.IncidentList(
            items=items, total=total, limit=request.limit, offset=request.offset
        )

    async def incident(self, path: PathParams, request: None) -> BaseModel:
        """One incident."""
        found = await self._incident(path)
        return documents.incident_detail(found, self._source.now())

    async def export_incident(self, path: PathParams, request: None) -> str:
        """One incident as Markdown."""
        from probe.report.markdown import incident_markdown

        return incident_markdown(await self._incident(path), self._source.now())

    async def add_note(self, path: PathParams, request: requests.NewNote) -> BaseModel:
        """Add a note."""
        incident, now = await self._incident(path), self._source.now()
        note = Note(self._new_id(now), now, request.author, request.text, request.public)
        self._stored(await self._source.put_note(incident.id, note), "the note")
        return documents.note(note)

    async def delete_note(self, path: PathParams, request: None) -> None:
        """Delete a note."""
        incident = await self._incident(path)
        if path["note"] not in {note.id for note in incident.notes}:
            raise ApiError(404, "there is no note with this id")
        self._stored(await self._source.delete_note(incident.id, path["note"]), "the deletion")

    async def acknowledge(
        self, path: PathParams, request: requests.NewAcknowledgement
    ) -> BaseModel:
        """Somebody takes an incident on."""
        incident = await self._incident(path)
        found = Acknowledgement(self._source.now(), request.author, request.comment)
        stored = await self._source.acknowledge(incident.id, found)
        self._stored(stored, "the acknowledgement")
        return incident_schemas.AcknowledgementModel(
            time=documents.moment(found.at), author=found.author, comment=found.comment
        )

    async def silences(self, path: PathParams, request: requests.PageQuery) -> BaseModel:
        """Some of the silences."""
        found = list(await self._source.silences())
        shown = found[request.offset : request.offset + request.limit]
        return incident_schemas.SilenceList(
            items=[self._silence(each) for each in shown],
            total=len(found),
            limit=request.limit,
            offset=request.offset,
        )

    async def silence(self, path: PathParams, request: None) -> BaseModel:
        """One silence."""
        for each in await self._source.silences():
            if each.id == path["id"]:
                return self._silence(each)
        raise ApiError(404, "there is no silence with this id")

    async def add_silence(self, path: PathParams, request: requests.NewSilence) -> BaseModel:
        """Add a silence."""
        now = self._source.now()
        start = max(now, request.start.timestamp()) if request.start else now
        end = request.end.timestamp() if request.end else start + (request.duration_seconds or 0.0)
        if end <= start:
            raise ApiError(400, "the silence would be over", errors=("end: is not after start",))
        wanted = SilenceRow(
            "", tuple(request.matchers), request.author, request.comment, start, end
        )
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

    async def expire_silence(self, path: PathParams, request: None) -> None:
        """End a silence."""
        if not await self._source.expire_silence(path["id"]):
            raise ApiError(404, "there is no silence with this id")

    async def annotations(self, path: PathParams, request: requests.TimeQuery) -> BaseModel:
        """Some of the annotations."""
        start = request.since.timestamp() if request.since else 0.0
        end = request.until.timestamp() if request.until else _EVER
        found, total = await self._source.annotations(start, end, request.limit, request.offset)
        items = [documents.annotation(each) for each in found]
        return incident_schemas.AnnotationList(
            items=items, total=total, limit=request.limit, offset=request.offset
        )

    async def add_annotation(self, path: PathParams, request: requests.NewAnnotation) -> BaseModel:
        """Note an event."""
        now = self._source.now()
        found = request.annotation(self._new_id(now), now)
        self._stored(await self._source.put_annotation(found), "the annotation")
        return documents.annotation(found)

    async def announcements(self, path: PathParams, request: requests.PageQuery) -> BaseModel:
        """Some of the announcements."""
        found = list(await self._source.announcements())
        shown = found[request.offset : request.offset + request.limit]
        return incident_schemas.AnnouncementList(
            items=[documents.announcement(each) for each in shown],
            total=len(found),
            limit=request.limit,
            offset=request.offset,
        )

    async def add_announcement(
        self, path: PathParams, request: requests.NewAnnouncement
    ) -> BaseModel:
        """Announce something."""
        now = self._source.now()
        found = request.announcement(self._new_id(now), now)
        self._stored(await self._source.put_announcement(found), "the announcement")
        return documents.announcement(found)

    async def delete_announcement(self, path: PathParams, request: None) -> None:
        """Delete an announcement."""
        if path["id"] not in {each.id for each in await self._source.announcements()}:
            raise ApiError(404, "there is no announcement with this id")
        self._stored(await self._source.delete_announcement(path["id"]), "the deletion")

    async def _incident(self, path: PathParams) -> Incident:
        found = await self._source.incident(path["id"])
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
