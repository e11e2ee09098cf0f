"""The public status page: with the other pages, or on a port of its own.

Visitors need no password, and get nothing else there. It is rendered once for each change, so
that a crowd costs little.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.history.uptime.model import DAY_SECONDS
from probe.report.board import StatusBoard
from probe.report.html import badge, public_page
from probe.report.html.public_page import PublicBranding
from probe.report.html.templates import path, script
from probe.web.connections import ConnectionTable, watch_requests
from probe.web.rate_limit import limit_rate
from probe.web.rendered import RenderedPage, RenderedPages
from probe.web.security import WebSecurity
from probe.web.site.web_site import send_script

FRESH_SECONDS = 5.0
# Where operators see what would be published, behind the login.
PREVIEW_PATH = "/public"
# All files of the static export, as JSON.
EXPORT_PATH = "/api/v1/status-page"
_BADGE_WINDOW, _BADGE_SECONDS = "30d", 30 * DAY_SECONDS
# A shared cache may keep it for as long as it is fresh, and for a while when the probe is gone
# (RFC 5861).
_CACHED = "public, max-age=10, stale-if-error=86400"
_HEADERS = {
    "Server": "probe",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class PublicSite:
    """The handlers, below the path ``base`` (empty: a server of its own)."""

    def __init__(
        self,
        board: Callable[[], Awaitable[StatusBoard]],
        revision: Callable[[], int],
        branding: PublicBranding,
        base: str = "",
    ) -> None:
        self._board, self._revision, self._branding, self._base = board, revision, branding, base
        self._rendered = RenderedPages(FRESH_SECONDS)

    @property
    def is_beside_others(self) -> bool:
        """Whether it has a path among the other pages."""
        return bool(self._base)

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are open to everybody."""
        return frozenset({self._base or "/", f"{self._base}/", f"{self._base}/page.js"})

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        both = [self._base, f"{self._base}/"] if self._base else ["/"]
        pages = [web.get(each, self._page) for each in both]
        return [*pages, web.get(f"{self._base}/page.js", send_script)]

    def preview(self) -> list[web.RouteDef]:
        """The page as it is exported, and all files of an export, for operators."""
        return [web.get(PREVIEW_PATH, self._preview), web.get(EXPORT_PATH, self._export)]

    async def _page(self, request: web.Request) -> web.Response:
        return (await self._rendered.get("page", self._revision(), self._live)).response(request)

    async def _preview(self, request: web.Request) -> web.Response:
        found = await self._rendered.get("preview", self._revision(), self._still)
        return found.response(request)

    async def _export(self, request: web.Request) -> web.Response:
        """``{"files": {"index.html": …, "badge/backend.svg": …}}``."""
        files = await asyncio.to_thread(self._files, await self._board())
        return web.json_response({"files": files})

    def _files(self, board: StatusBoard) -> dict[str, str]:
        text, _ = public_page.render(board, self._branding, live=False)
        found = {"index.html": text}
        for row in board.services:
            name = f"badge/{path(row.name)}"
            found[f"{name}.svg"] = badge.state_badge(row)
            found[f"{name}-uptime.svg"] = badge.uptime_badge(
                row.title, row.uptime, _BADGE_WINDOW, _BADGE_SECONDS
            )
        return found

    async def _live(self) -> RenderedPage:
        board = await self._board()
        return await asyncio.to_thread(self._render, board, live=True)

    async def _still(self) -> RenderedPage:
        board = await self._board()
        return await asyncio.to_thread(self._render, board, live=False)

    def _render(self, board: StatusBoard, *, live: bool) -> RenderedPage:
        text, policy = public_page.render(board, self._branding, base=self._base, live=live)
        headers = {"Content-Security-Policy": policy}
        headers |= {"Cache-Control": _CACHED} if live else {}
        return RenderedPage.of(text, "text/html", headers, revalidates=True)


class PublicPages:
    """The web application of a port of its own. ``security`` gives the TLS context; its users and
    passwords don't apply."""

    def __init__(self, site: PublicSite, security: WebSecurity) -> None:
        self.security = security
        self.connections: ConnectionTable | None = None
        self.refused_logins = 0
        script()
        self.app = web.Application(
            middlewares=[
                watch_requests(lambda: self.connections),
                limit_rate(security),
                _with_headers(),
            ]
        )
        self.app.add_routes(site.routes())

    def close(self) -> None:
        """Nothing is open for long here."""


def _with_headers() -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        response.headers.update({**_HEADERS, **response.headers})
        return response

    return middleware
