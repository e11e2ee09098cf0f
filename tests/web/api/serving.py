"""The API on a port of its own, with a history in memory and a board made by hand."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from msgspec.structs import replace
from pydantic import SecretStr

from probe.history import History
from probe.history.incidents.model import (
    Acknowledgement,
    Annotation,
    Announcement,
    Incident,
    Note,
)
from probe.history.incidents.store import IncidentHistory, new_id
from probe.history.uptime.model import WINDOWS, Subject, SubjectKind, Uptime, UptimeReport
from probe.report.board import CheckDetails, ServiceRow, SilenceRow, StatusBoard
from probe.report.status import Overview
from probe.web.access import Access
from probe.web.api.application import Api
from probe.web.api.handlers import ApiHandlers
from probe.web.api.source import AddedSilence, Unacceptable
from probe.web.pages import PageData, Pages, WebServer
from probe.web.site.service_files import ServiceFiles
from tests.history.history_builders import opened
from tests.history.period_builders import NOON
from tests.report.status_samples import outage

TOKEN = "a-token-for-the-api"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"ops:secret-of-the-pages").decode()}


def report(kind: SubjectKind, name: str, down: float = 0.0) -> UptimeReport:
    """Uptime in every window, with so many seconds of outage, an hour unknown and a gap."""
    windows = tuple(
        Uptime(NOON - length, NOON, length - down - 7200, 0.0, down, 3600.0) for length in WINDOWS
    )
    return UptimeReport(Subject(kind, name), 0.99, windows)


@dataclass
class Source:
    """What the daemon would give; ``history`` is a real one."""

    history: History
    overview: Overview = field(default_factory=outage)
    kept: list[SilenceRow] = field(default_factory=list)
    storing: bool = True

    @property
    def incidents_of(self) -> IncidentHistory:
        """Its incidents."""
        return IncidentHistory(self.history)

    def now(self) -> float:
        """See ApiSource."""
        return NOON

    def problem(self) -> str:
        """See ApiSource."""
        return "" if self.storing else "the disk is full"

    async def board(self) -> StatusBoard:
        """See ApiSource."""
        rows = self.overview.rows
        names = tuple(row.name for row in rows)
        found = await self.incidents_of.list(0.0, NOON * 2)
        service = report(SubjectKind.SERVICE, "backend", 600.0)
        return StatusBoard(
            self.overview,
            tuple(each for each in found if each.is_open),
            tuple(each for each in found if not each.is_open),
            (ServiceRow("backend", "Backend", rows[0].verdict, NOON, names, service, (), 0.1812),),
            {name: report(SubjectKind.CHECK, name) for name in names},
            tuple(await self.incidents_of.announcements(NOON)),
            tuple(await self.incidents_of.annotations(0.0, NOON * 2)),
        )

    async def check(self, name: str) -> CheckDetails | None:
        """See ApiSource."""
        for row in self.overview.rows:
            if row.name == name:
                found = tuple(await self.incidents_of.of_check(name))
                return CheckDetails(row, report(SubjectKind.CHECK, name), incidents=found)
        return None

    async def incidents(
        self, start: float, end: float, most: int, skip: int, *, lasts: bool | None
    ) -> tuple[Sequence[Incident], int]:
        """See ApiSource."""
        store = self.incidents_of
        found = await store.list(start, end, most=most, skip=skip, lasts=lasts)
        return found, await store.count(start, end, lasts=lasts)

    async def incident(self, name: str) -> Incident | None:
        """See ApiSource."""
        return await self.incidents_of.get(name)

    async def acknowledge(self, incident: str, found: Acknowledgement) -> bool:
        """See ApiSource."""
        return await self.incidents_of.acknowledge(incident, found) and self.storing

    async def put_note(self, incident: str, note: Note) -> bool:
        """See ApiSource."""
        return await self.incidents_of.put_note(incident, note) and self.storing

    async def delete_note(self, incident: str, note: str) -> bool:
        """See ApiSource."""
        return await self.incidents_of.delete_note(incident, note) and self.storing

    async def annotations(
        self, start: float, end: float, most: int, skip: int
    ) -> tuple[Sequence[Annotation], int]:
        """See ApiSource."""
        found = await self.incidents_of.annotations(start, end, most=most, skip=skip)
        return found, await self.incidents_of.count_annotations(start, end)

    async def put_annotation(self, annotation: Annotation) -> bool:
        """See ApiSource."""
        return await self.incidents_of.put_annotation(annotation) and self.storing

    async def announcements(self) -> Sequence[Announcement]:
        """See ApiSource."""
        return (await self.board()).announcements

    async def put_announcement(self, announcement: Announcement) -> bool:
        """See ApiSource."""
        return await self.incidents_of.put_announcement(announcement) and self.storing

    async def delete_announcement(self, name: str) -> bool:
        """See ApiSource."""
        return await self.incidents_of.delete_announcement(name) and self.storing

    async def silences(self) -> Sequence[SilenceRow]:
        """See ApiSource."""
        return self.kept

    async def add_silence(self, silence: SilenceRow) -> AddedSilence:
        """See ApiSource: only ``health`` matches."""
        if silence.matchers != ("health",):
            raise Unacceptable("it matches no check and no alert")
        made = replace(silence, id="silence-1")
        self.kept.append(made)
        return AddedSilence(made, ["health"], ["health/failing"], self.problem())

    async def expire_silence(self, name: str) -> bool:
        """See ApiSource."""
        before = len(self.kept)
        self.kept = [each for each in self.kept if each.id != name]
        return len(self.kept) < before


@dataclass
class Client:
    """Asks the API; ``source`` is what it serves."""

    url: str
    source: Source
    session: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        """Status, JSON or text, and the answer."""
        options.setdefault("headers", BEARER)
        if body is not None:
            options["json"] = body
        async with self.session.request(method, self.url + path, **options) as answer:
            text = await answer.text()
            is_json = answer.content_type.endswith("json")
            return answer.status, json.loads(text) if is_json else text, answer

    async def get(self, path: str, **options: Any) -> Any:
        """The JSON of a path below the API's."""
        status, found, _ = await self.ask("GET", f"/api/v1{path}", **options)
        assert status == 200, found
        return found

    async def post(self, path: str, body: Any, **options: Any) -> tuple[int, Any]:
        """Status and JSON of what was added."""
        status, found, _ = await self.ask("POST", f"/api/v1{path}", body, **options)
        return status, found


async def _no_overview() -> Overview:
    raise AssertionError


async def _no_metrics(_: str | None) -> tuple[bytes, str]:
    return b"", "text/plain"


@asynccontextmanager
async def served(*, token: str | None = TOKEN, login: bool = True) -> AsyncIterator[Client]:
    """The API with a token of its own, next to pages that need a login."""
    secret = SecretStr(token) if token else None
    access = (
        Access("ops", SecretStr("secret-of-the-pages"), api_token=secret)
        if login
        else Access(api_token=secret)
    )
    async with opened(None) as history:
        source = Source(history)
        data = PageData(_no_overview, lambda: 0, _no_metrics, lambda _: None, lambda: "")
        api = Api(ApiHandlers(source, new_id), (secret, None), "1.2.3")
        files = ServiceFiles(source.board, lambda: access.is_protected, "https://probe.example")
        pages = Pages(data, access, routes=[*api.routes(), *files.routes()])
        server = WebServer(pages, ("127.0.0.1", 0))
        await server.start()
        try:
            async with aiohttp.ClientSession() as session:
                yield Client(f"http://127.0.0.1:{server.address[1]}", source, session)
        finally:
            await server.stop()
