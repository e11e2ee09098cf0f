"""The pages and the server."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from msgspec import Struct

from probe.report.board import StatusBoard
from probe.report.html import badge
from probe.report.json import status
from probe.report.status import Overview
from probe.web.access import (
    CALL_PATH,
    OPEN_PATHS,
    PEER_PATH,
    PEER_PATHS,
    PROBE_PATH,
    Access,
    guard,
)
from probe.web.api.problem import problems
from probe.web.browsers.cross_site import refuse_cross_site
from probe.web.call_api import PeerCalls
from probe.web.connections import (
    ConnectionTable,
    one_after_the_other,
    watch_requests,
)
from probe.web.http_server import WebServer as WebServer
from probe.web.logins import WrongLogins
from probe.web.rate_limit import limit_rate
from probe.web.rendered import (
    FreshValue,
    RenderedPage,
    RenderedPages,
    ZippedMetrics,
    takes_gzip,
)
from probe.web.security import WebSecurity
from probe.web.silence_api import SilenceApi, Silences
from probe.web.site.live import EVENTS_PATH, LiveUpdates
from probe.web.site.public_site import PublicSite
from probe.web.site.web_site import SiteData, WebSite
from probe.web.verdict_api import Peering

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    # aiohttp would name itself, Python and both versions.
    "Server": "probe",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What a page may say of itself.
_OF_PAGES = ("Content-Security-Policy", "Cache-Control")
# Pages are cached for this long.
FRESH_SECONDS = 1.0
# Requests for pages that are handled at the same time.
AT_ONCE = 4
# Machine clients, whose timeouts matter.
_NEVER_WAITING = OPEN_PATHS | PEER_PATHS | {EVENTS_PATH, PROBE_PATH}


class PageData(Struct, frozen=True):
    """The functions that give the content of the pages.

    ``metrics`` takes an Accept header and gives the body and its content type; ``ready`` says what
    is still missing, or nothing, and ``stuck`` what only a restart would fix; ``runbook`` takes a
    name and gives title and text of a page, or None; ``runbooks`` are name and title of all.
    ``revision`` grows with every change that the overview would show; ``board`` has incidents,
    services and uptime next to the overview, ``site`` what the other pages are made of;
    ``public`` is the public status page.
    """

    overview: Callable[[], Awaitable[Overview]]
    revision: Callable[[], int]
    metrics: Callable[[str | None], Awaitable[tuple[bytes, str]]]
    runbook: Callable[[str], tuple[str, str] | None]
    ready: Callable[[], str]
    stuck: Callable[[], str] = lambda: ""
    runbooks: Callable[[], list[tuple[str, str]]] = list
    board: Callable[[], Awaitable[StatusBoard]] | None = None
    site: SiteData | None = None
    public: PublicSite | None = None

    @property
    def pages(self) -> SiteData:
        """What the pages that people read are made of."""

        async def board() -> StatusBoard:
            return StatusBoard(await self.overview())

        made = self.board or board
        return self.site or SiteData(made, self.revision, self.runbook, self.runbooks)


class Pages:
    """The web application; ``peering`` and ``calls`` are for other probes, None: there is no
    such page. ``routes`` are those of the API, of badges and of feeds."""

    def __init__(
        self,
        sources: PageData,
        access: Access,
        peering: Peering | None = None,
        calls: PeerCalls | None = None,
        silences: Silences | None = None,
        security: WebSecurity | None = None,
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        self._sources = sources
        self.security = security or WebSecurity()
        self._overview = FreshValue(sources.overview, sources.revision, FRESH_SECONDS)
        self.wrong_logins = WrongLogins()
        self.connections: ConnectionTable | None = None
        self._rendered = RenderedPages(FRESH_SECONDS)
        self.live = LiveUpdates(sources.revision, lambda: self.connections)
        # By content type: scrapers of the same format share what is compressed.
        self._zipped: dict[str, ZippedMetrics] = defaultdict(ZippedMetrics)
        self.app = self._application(access)
        if silences is not None:

            def is_protected() -> bool:
                return access.is_protected or self.security.is_closed

            self.app.add_routes(SilenceApi(silences, is_protected).routes())
        if sources.public is not None:
            self.app.add_routes(sources.public.preview())
            if sources.public.is_beside_others:
                self.app.add_routes(sources.public.routes())
        self.app.add_routes(routes)
        if peering is not None:
            self.app.router.add_post(PEER_PATH, peering.handle)
        if calls is not None:
            self.app.router.add_post(CALL_PATH, calls.handle)

    @property
    def refused_logins(self) -> int:
        """How many logins were rejected since the start."""
        return self.wrong_logins.refused

    def close(self) -> None:
        """The server stops: streams of events end."""
        self.live.close()

    def _application(self, access: Access) -> web.Application:
        app = web.Application(
            middlewares=[
                watch_requests(lambda: self.connections),
                limit_rate(self.security),
                one_after_the_other(_NEVER_WAITING, AT_ONCE),
                _with_headers(self.security),
                problems(PEER_PATHS),
                refuse_cross_site(access.hosts),
                guard(access, self.wrong_logins, self.security),
            ]
        )
        app.add_routes(
            [
                *WebSite(self._sources.pages).routes(),
                web.get(EVENTS_PATH, self.live.handle),
                web.get("/status.json", self._status),
                web.get("/badge.svg", self._badge),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
            ]
        )
        return app

    async def _status(self, request: web.Request) -> web.Response:
        return await self._answer(
            request,
            request.path,
            lambda overview: RenderedPage.of(status.render(overview), "application/json"),
        )

    async def _badge(self, request: web.Request) -> web.Response:
        return await self._answer(
            request,
            request.path,
            lambda overview: RenderedPage.of(badge.render(overview), "image/svg+xml"),
        )

    async def _answer(
        self, request: web.Request, key: Hashable, render: Callable[[Overview], RenderedPage]
    ) -> web.Response:
        async def make() -> RenderedPage:
            # Rendering takes dozens of milliseconds, which would block measurements.
            return await asyncio.to_thread(render, await self._overview.get())

        found = await self._rendered.get(key, self._sources.revision(), make)
        return found.response(request)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = await self._sources.metrics(request.headers.get("Accept"))
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if takes_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = await self._zipped[content_type].compress(body)
        return web.Response(body=body, headers=headers)

    async def _alive(self, request: web.Request) -> web.Response:
        stuck = self._sources.stuck()
        return web.Response(status=503 if stuck else 200, text=f"{stuck or 'alive'}\n")

    async def _ready(self, request: web.Request) -> web.Response:
        missing = self._sources.ready()
        return web.Response(status=503 if missing else 200, text=f"{missing or 'ready'}\n")


def _with_headers(security: WebSecurity) -> Middleware:
    """Add security headers to every response; those of the file take precedence, except over a
    page's own Content-Security-Policy and Cache-Control."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {**HEADERS, **security.headers}
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers)
            raise
        own = {name: response.headers[name] for name in _OF_PAGES if name in response.headers}
        if not response.prepared:
            response.headers.update({**headers, **own})
        return response

    return middleware
