"""The pages and the server."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.report.html import badge, page
from probe.report.json import status
from probe.report.status import Overview
from probe.web.access import CALL_PATH, OPEN_PATHS, PEER_PATH, PEER_PATHS, Access, guard
from probe.web.call_api import PeerCalls
from probe.web.connections import (
    ConnectionLimits,
    ConnectionTable,
    one_after_the_other,
    watch_requests,
)
from probe.web.logins import WrongLogins
from probe.web.rendered import RenderedPage, RenderedPages
from probe.web.request_log import server_logger
from probe.web.security import WebSecurity
from probe.web.silence_api import SilenceApi, Silences
from probe.web.verdict_api import Peering

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = "Content-Security-Policy"
# Pages are cached for this long.
FRESH_SECONDS = 1.0
# Requests for pages that are handled at the same time.
AT_ONCE = 4
# Machine clients, whose timeouts matter.
_NEVER_WAITING = OPEN_PATHS | PEER_PATHS
# Slow readers don't delay the shutdown.
SHUTDOWN_SECONDS = 1.0
REFRESH_SECONDS = 60


@dataclass(frozen=True)
class PageData:
    """The functions that give the content of the pages.

    ``metrics`` takes an Accept header and gives the body and its content type; ``ready`` says what
    is still missing, or nothing, and ``stuck`` what only a restart would fix; ``runbook`` takes a
    name and gives title and text of a page, or None; ``runbooks`` are name and title of all.
    ``revision`` grows with every change that the overview would show.
    """

    overview: Callable[[], Awaitable[Overview]]
    revision: Callable[[], int]
    metrics: Callable[[str | None], Awaitable[tuple[bytes, str]]]
    runbook: Callable[[str], tuple[str, str] | None]
    ready: Callable[[], str]
    stuck: Callable[[], str] = lambda: ""
    runbooks: Callable[[], list[tuple[str, str]]] = list


class Pages:
    """The web application; ``peering`` and ``calls`` are for other probes, None: there is no
    such page."""

    def __init__(
        self,
        sources: PageData,
        access: Access,
        peering: Peering | None = None,
        calls: PeerCalls | None = None,
        silences: Silences | None = None,
        security: WebSecurity | None = None,
    ) -> None:
        self._sources = sources
        self.security = security or WebSecurity()
        self._overview: asyncio.Task[Overview] | None = None
        self._made = -FRESH_SECONDS
        self._revision = 0
        self.wrong_logins = WrongLogins()
        self.connections: ConnectionTable | None = None
        self._rendered = RenderedPages(FRESH_SECONDS)
        # By name: title and text that were rendered, and the page.
        self._runbooks: dict[str, tuple[tuple[str, str], RenderedPage]] = {}
        self.app = self._application(access)
        if silences is not None:

            def is_protected() -> bool:
                return access.is_protected or self.security.is_closed

            self.app.add_routes(SilenceApi(silences, is_protected).routes())
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
                web.get("/", self._page),
                web.get("/status.json", self._status),
                web.get("/badge.svg", self._badge),
                web.get("/runbooks/", self._runbook_index),
                web.get("/runbooks/{slug}", self._runbook),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
            ]
        )
        return app

    async def _page(self, request: web.Request) -> web.Response:
        refresh = None if request.query.get("refresh") == "0" else REFRESH_SECONDS

        def render(overview: Overview) -> RenderedPage:
            document, policy = page.render(overview, refresh=refresh)
            return RenderedPage.of(document, "text/html", {"Content-Security-Policy": policy})

        return await self._answer(request, ("/", refresh), render)

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
            return await asyncio.to_thread(render, await self._current())

        found = await self._rendered.get(key, self._sources.revision(), make)
        return found.response(request)

    async def _runbook_index(self, request: web.Request) -> web.Response:
        from probe.report.html import runbook_page

        document, policy = runbook_page.index(self._sources.runbooks())
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=document, content_type="text/html", headers=headers)

    async def _runbook(self, request: web.Request) -> web.Response:
        from probe.report.html import runbook_page

        slug = request.match_info["slug"]
        found = self._sources.runbook(slug)
        if found is None:
            raise web.HTTPNotFound(text="No such runbook\n")
        if slug not in self._runbooks or self._runbooks[slug][0] != found:
            document, policy = await asyncio.to_thread(runbook_page.render, *found)
            headers = {"Content-Security-Policy": policy}
            self._runbooks[slug] = found, RenderedPage.of(document, "text/html", headers)
        return self._runbooks[slug][1].response(request)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = await self._sources.metrics(request.headers.get("Accept"))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _alive(self, request: web.Request) -> web.Response:
        stuck = self._sources.stuck()
        return web.Response(status=503 if stuck else 200, text=f"{stuck or 'alive'}\n")

    async def _ready(self, request: web.Request) -> web.Response:
        missing = self._sources.ready()
        return web.Response(status=503 if missing else 200, text=f"{missing or 'ready'}\n")

    async def _current(self) -> Overview:
        """The overview, built at most once a second unless it has changed."""
        now, edition = asyncio.get_running_loop().time(), self._sources.revision()
        fresh = now - self._made < FRESH_SECONDS and edition == self._revision
        if self._overview is None or not fresh:
            self._made, self._revision = now, edition
            self._overview = asyncio.ensure_future(self._sources.overview())
        return await asyncio.shield(self._overview)


def _with_headers(security: WebSecurity) -> Middleware:
    """Add security headers to every response; those of the file take precedence, except over a
    page's own Content-Security-Policy."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {**HEADERS, **security.headers}
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers)
            raise
        policy = response.headers.get(_POLICY)
        response.headers.update(headers)
        if policy is not None:
            response.headers[_POLICY] = policy
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
        """Stop serving."""
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
