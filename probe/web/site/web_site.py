"""The pages that people read: status, checks, services, providers, incidents, runbooks.

Each is rendered outside of the event loop, once for each change, and served from memory.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from aiohttp import web
from msgspec import Struct

from probe.history.incidents.model import Incident
from probe.report.board import CheckDetails, StatusBoard
from probe.report.html import check_page, group_page, incident_page, page, runbook_page
from probe.report.html.check_page import RunTimes
from probe.report.html.filters import CheckFilter
from probe.report.html.incident_view import Steps, no_steps
from probe.report.html.templates import script, script_version
from probe.report.html.windows import range_named
from probe.web.rendered import FreshValue, RenderedPage, RenderedPages

# Pages are made again after so long, although nothing has changed: ages grow.
FRESH_SECONDS = 5.0
_YEAR = "private, max-age=31536000, immutable"

# The document and its Content-Security-Policy.
Document = tuple[str, str]


async def _no_details(_board: StatusBoard, _name: str, _seconds: float) -> CheckDetails | None:
    return None


async def _no_incident(_id: str) -> Incident | None:
    return None


def _no_runs(_name: str) -> Sequence[RunTimes]:
    return ()


class SiteData(Struct, frozen=True):
    """What the pages other than the status page are made of.

    ``details`` takes the board, a check's name and how many seconds its charts reach back, and
    gives None for a check that is none; ``incident`` takes an id. ``runs`` are a check's newest
    runs with their phases, ``steps`` the first steps for an alert.
    """

    board: Callable[[], Awaitable[StatusBoard]]
    revision: Callable[[], int]
    runbook: Callable[[str], tuple[str, str] | None]
    runbooks: Callable[[], list[tuple[str, str]]] = list
    details: Callable[[StatusBoard, str, float], Awaitable[CheckDetails | None]] = _no_details
    incident: Callable[[str], Awaitable[Incident | None]] = _no_incident
    runs: Callable[[str], Sequence[RunTimes]] = _no_runs
    steps: Steps = no_steps


class WebSite:
    """The handlers of the pages."""

    def __init__(self, data: SiteData) -> None:
        self._data = data
        self._board = FreshValue(data.board, data.revision, 1.0)
        self._rendered = RenderedPages(FRESH_SECONDS)

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [
            web.get("/", self._status),
            web.get("/page.js", send_script),
            web.get("/checks/{name}", self._check),
            web.get("/services/{name:.+}", self._service),
            web.get("/providers/{name:.+}", self._provider),
            web.get("/incidents", self._incidents),
            web.get("/incidents/{id:[^/.]+}", self._incident),
            web.get("/runbooks/", self._runbook_index),
            web.get("/runbooks/{slug}", self._runbook),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        refresh = None if request.query.get("refresh") == "0" else page.REFRESH
        shown = CheckFilter.of_query(request.query)

        async def make() -> Document:
            board = await self._board.get()
            return await asyncio.to_thread(
                page.render, board, refresh=refresh, shown=shown, steps=self._data.steps
            )

        return await self._answer(request, ("/", refresh, shown), make)

    async def _check(self, request: web.Request) -> web.Response:
        name, chosen = request.match_info["name"], range_named(request.query.get("range", ""))

        async def make() -> Document:
            board = await self._board.get()
            details = await self._data.details(board, name, chosen.seconds)
            if details is None:
                raise web.HTTPNotFound(text="No such check\n")
            overview = board.overview
            return await asyncio.to_thread(
                check_page.render,
                details,
                now=overview.now,
                region=overview.region,
                newest=self._data.runs(name),
                shown=chosen.name,
            )

        return await self._answer(request, ("check", name, chosen.name), make)

    async def _service(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]

        async def make() -> Document:
            board = await self._board.get()
            found = board.service(name)
            if found is None:
                raise web.HTTPNotFound(text="No such service\n")
            return await asyncio.to_thread(group_page.service, board, found)

        return await self._answer(request, ("service", name), make)

    async def _provider(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]

        async def make() -> Document:
            board = await self._board.get()
            named = [each for row in board.services for each in row.providers if each.name == name]
            if not named:
                raise web.HTTPNotFound(text="No such provider\n")
            return await asyncio.to_thread(group_page.provider, board, named[0])

        return await self._answer(request, ("provider", name), make)

    async def _incidents(self, request: web.Request) -> web.Response:
        text = request.query.get("page", "1")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1

        async def make() -> Document:
            board = await self._board.get()
            overview = board.overview
            return await asyncio.to_thread(
                incident_page.index,
                (*board.open, *board.recent),
                now=overview.now,
                region=overview.region,
                page=number,
            )

        return await self._answer(request, ("incidents", number), make)

    async def _incident(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]

        async def make() -> Document:
            found = await self._data.incident(name)
            if found is None:
                raise web.HTTPNotFound(text="No such incident\n")
            overview = (await self._board.get()).overview
            return await asyncio.to_thread(
                incident_page.render,
                found,
                now=overview.now,
                region=overview.region,
                steps=self._data.steps,
            )

        return await self._answer(request, ("incident", name), make)

    async def _runbook_index(self, request: web.Request) -> web.Response:
        return _page(runbook_page.index(self._data.runbooks())).response(request)

    async def _runbook(self, request: web.Request) -> web.Response:
        slug = request.match_info["slug"]
        found = self._data.runbook(slug)
        if found is None:
            raise web.HTTPNotFound(text="No such runbook\n")

        async def make() -> Document:
            return await asyncio.to_thread(runbook_page.render, *found)

        return await self._answer(request, ("runbook", slug, found), make)

    async def _answer(
        self, request: web.Request, key: Hashable, make: Callable[[], Awaitable[Document]]
    ) -> web.Response:
        async def render() -> RenderedPage:
            document = await make()
            # Compressing takes milliseconds, which would block measurements.
            return await asyncio.to_thread(_page, document)

        found = await self._rendered.get(key, self._data.revision(), render)
        return found.response(request)


def _page(document: Document) -> RenderedPage:
    text, policy = document
    headers = {"Content-Security-Policy": policy}
    return RenderedPage.of(text, "text/html", headers, revalidates=True)


async def send_script(request: web.Request) -> web.Response:
    """The pages' script; under the address that a page has for it, it may be kept."""
    is_this = request.query.get("v") == script_version()
    headers = {"Cache-Control": _YEAR} if is_this else {}
    return RenderedPage.of(script().decode(), "text/javascript", headers).response(request)
