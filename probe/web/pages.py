"""The pages and the server that they are on."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from probe.report.html import badge, page
from probe.report.json import status
from probe.report.status import Overview
from probe.web.access import CALL_PATH, PEER_PATH, Access, guard
from probe.web.call_api import PeerCalls
from probe.web.connections import Connections
from probe.web.silence_api import SilenceApi, Silences
from probe.web.verdict_api import Peering

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Whoever holds down the reload key gets the same page again.
FRESH_SECONDS = 1.0
# Slow readers don't hold up the end of the process.
SHUTDOWN_SECONDS = 1.0
REFRESH_SECONDS = 60


@dataclass(frozen=True)
class PageData:
    """Where the pages come from.

    ``metrics`` takes an Accept header and gives the body and its content type; ``ready``
    says what is still missing, or nothing, and ``stuck`` what only a restart would mend;
    ``runbook`` takes a name and gives title and text of a page, or None; ``runbooks`` are name
    and title of all. ``revision`` grows with every change that the overview would show.
    """

    overview: Callable[[], Awaitable[Overview]]
    revision: Callable[[], int]
    metrics: Callable[[str | None], tuple[bytes, str]]
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
    ) -> None:
        self._sources = sources
        self._overview: asyncio.Task[Overview] | None = None
        self._made = -FRESH_SECONDS
        self._revision = 0
        self.app = web.Application(middlewares=[_with_headers, guard(access)])
        self.app.add_routes(
            [
                web.get("/", self._page),
                web.get("/status.json", self._status),
                web.get("/badge.svg", self._badge),
                web.get("/runbooks/", self._runbooks),
                web.get("/runbooks/{slug}", self._runbook),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
            ]
        )
        if silences is not None:
            self.app.add_routes(SilenceApi(silences, access).routes())
        if peering is not None:
            self.app.router.add_post(PEER_PATH, peering.handle)
        if calls is not None:
            self.app.router.add_post(CALL_PATH, calls.handle)

    async def _page(self, request: web.Request) -> web.Response:
        refresh = None if request.query.get("refresh") == "0" else REFRESH_SECONDS
        overview = await self._current()
        # Dozens of milliseconds in which measurements would stand still.
        document, policy = await asyncio.to_thread(page.render, overview, refresh=refresh)
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=document, content_type="text/html", headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        text = await asyncio.to_thread(status.render, await self._current())
        return web.Response(text=text, content_type="application/json")

    async def _badge(self, request: web.Request) -> web.Response:
        text = badge.render(await self._current())
        return web.Response(text=text, content_type="image/svg+xml")

    async def _runbooks(self, request: web.Request) -> web.Response:
        from probe.report.html import runbook_page

        document, policy = runbook_page.index(self._sources.runbooks())
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=document, content_type="text/html", headers=headers)

    async def _runbook(self, request: web.Request) -> web.Response:
        from probe.report.html import runbook_page

        found = self._sources.runbook(request.match_info["slug"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such runbook.\n")
        document, policy = runbook_page.render(*found)
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=document, content_type="text/html", headers=headers)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._sources.metrics(request.headers.get("Accept"))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _alive(self, request: web.Request) -> web.Response:
        stuck = self._sources.stuck()
        return web.Response(status=503 if stuck else 200, text=f"{stuck or 'alive'}\n")

    async def _ready(self, request: web.Request) -> web.Response:
        missing = self._sources.ready()
        return web.Response(status=503 if missing else 200, text=f"{missing or 'ready'}\n")

    async def _current(self) -> Overview:
        """The overview, made at most once a second however many ask, unless it has changed."""
        now, edition = asyncio.get_running_loop().time(), self._sources.revision()
        fresh = now - self._made < FRESH_SECONDS and edition == self._revision
        if self._overview is None or not fresh:
            self._made, self._revision = now, edition
            self._overview = asyncio.ensure_future(self._sources.overview())
        return await asyncio.shield(self._overview)


@web.middleware
async def _with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    return response


class WebServer:
    """Serves the pages on one port; ``address`` is what it listens on."""

    def __init__(self, app: web.Application, listen: tuple[str, int]) -> None:
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False
        )
        self._listen = listen
        self._connections = Connections()
        app.middlewares.insert(0, self._connections.middleware)
        self.address = listen

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the address can't be had."""
        await self._runner.setup()
        make = self._runner.server
        if make is None:
            raise RuntimeError("the web server was not set up")
        bound = bind(*self._listen)
        self.address = bound.getsockname()[:2]
        await self._connections.serve(make, bound)

    async def stop(self) -> None:
        """Stop serving."""
        self._connections.stop()
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
