"""The pages and the server."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

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
from probe.web.call_api import PeerCalls
from probe.web.connections import (
    ConnectionLimits,
    ConnectionTable,
    one_after_the_other,
    watch_requests,
)
from probe.web.logins import WrongLogins
from probe.web.rendered import (
    FreshValue,
    RenderedPage,
    RenderedPages,
    ZippedMetrics,
    takes_gzip,
)
from probe.web.request_log import server_logger
from probe.web.security import WebSecurity
from probe.web.silence_api import SilenceApi, Silences
from probe.web.site.live import EVENTS_PATH, LiveUpdates
from probe.web.site.web_site import SiteData, WebSite
from probe.web.verdict_api import Peering

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OWN = ("Content-Security-Policy", "Cache-Control")
# Pages are cached for this long.
FRESH_SECONDS = 1.0
# Requests for pages that are handled at the same time.
AT_ONCE = 4
# Machine clients, whose timeouts matter.
_NEVER_WAITING = OPEN_PATHS | PEER_PATHS | {EVENTS_PATH, PROBE_PATH}
# Slow readers don't delay the shutdown.
SHUTDOWN_SECONDS = 1.0


@dataclass(frozen=True)
class PageData:
    """The functions that give the content of the pages.

    ``metrics`` takes an Accept header and gives the body and its content type; ``ready`` says what
    is still missing, or nothing, and ``stuck`` what only a restart would fix; ``runbook`` takes a
    name and gives title and text of a page, or None; ``runbooks`` are name and title of all.
    ``revision`` grows with every change that the overview would show; ``board`` has incidents,
    services and uptime beside the overview, ``site`` what the pages beside it are made of.
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

    @property
    def pages(self) -> SiteData:
        """What the pages that people read are made of."""

        async def board() -> StatusBoard:
            return StatusBoard(await self.overview())

        made = self.board or board
        return self.site or SiteData(made, self.revision, self.runbook, self.runbooks)


class Pages:
    """The web application; ``peering`` and ``calls`` are for other probes, None: there is no
    such page. ``routes`` are further pages."""

    def __init__(
        self,
        sources: PageData,
        access: Access,
        peering: Peering | None = None,
        calls: PeerCalls | None = None,
        silences: Silences | None = None,
        security: WebSecurity | None = None,
        routes: Sequence[web.RouteDef] = (),
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
        self.app.add_routes(routes)
        if peering is not None:
            self.app.router.add_post(PEER_PATH, peering.handle)
        if calls is not None:
            self.app.router.add_post(CALL_PATH, calls.handle)

    def _application(self, access: Access) -> web.Application:
        app = web.Application(
            middlewares=[
                watch_requests(lambda: self.connections),
                one_after_the_other(_NEVER_WAITING, AT_ONCE),
                _with_headers(self.security),
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
        headers = {"Content-Type": content_type, "Vary": "Accept-Encoding"}
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
        kept = {name: response.headers[name] for name in _OWN if name in response.headers}
        if not response.prepared:
            response.headers.update({**headers, **kept})
        return response

    return middleware


class WebServer:
    """Serves the pages on one port; ``address`` is what it listens on."""

    def __init__(
        self,
        pages: Pages,
        listen: tuple[str, int],
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._pages, self._listen = pages, listen
        self._limits = limits or ConnectionLimits.of_process()
        self._runner = web.AppRunner(
            pages.app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            handle_signals=False,
            keepalive_timeout=self._limits.idle,
            logger=server_logger(),
        )
        self._listener: asyncio.Server | None = None
        self.address = listen

    @property
    def refused_logins(self) -> int:
        """How many logins were rejected since the start."""
        return self._pages.wrong_logins.refused

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the address can't be had."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        table = self._pages.connections = ConnectionTable(
            server, self._limits, self._pages.security.tls, self._pages.security.accepts
        )
        bound = bind(*self._listen)
        self.address = bound.getsockname()[:2]
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            table.new, sock=bound, backlog=self._limits.backlog
        )

    async def stop(self) -> None:
        """Stop serving; streams of events end at once."""
        self._pages.live.close()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; ``::`` is every address, IPv4's too (Fly's checks come over IPv4,
    its scrapes over IPv6), also where the machine has no IPv6. Raises OSError."""
    if host == "::":
        with suppress(OSError):
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=socket.has_dualstack_ipv6()
            )
        host = "0.0.0.0"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
