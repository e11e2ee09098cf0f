"""Badges of services, and the feed of incidents."""

import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from probe.core.resources import SPARE
from probe.report.board import StatusBoard
from probe.report.html import badge
from probe.web.api.documents import WINDOW_NAMES
from probe.web.api.problem import problem

BADGE_SECONDS, FEED_SECONDS = 60, 300
VARIANTS = ("state", "uptime", "response")
_SVG = "image/svg+xml"


class ServiceFiles:
    """``board`` gives the present state, ``address`` that of the pages (empty: what the request
    says). ``is_protected`` says whether the pages need a login: caches of others keep nothing
    then."""

    def __init__(
        self,
        board: Callable[[], Awaitable[StatusBoard]],
        is_protected: Callable[[], bool],
        address: str,
    ) -> None:
        self._board, self._is_protected, self._address = board, is_protected, address

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [
            web.get("/badge/{service}.svg", self._badge),
            web.get("/incidents.atom", self._feed),
        ]

    async def _badge(self, request: web.Request) -> web.Response:
        variant = request.query.get("variant", "state")
        window = request.query.get("window", "30d")
        if variant not in VARIANTS or window not in WINDOW_NAMES:
            options = f"variant is one of {', '.join(VARIANTS)}"
            return problem(400, f"{options}; window is one of {', '.join(WINDOW_NAMES)}")
        row = (await self._board()).service(request.match_info["service"])
        if row is None:
            return self._file(request, badge.unknown_badge(), _SVG, BADGE_SECONDS, status=404)
        if variant == "uptime":
            text = badge.uptime_badge(row.title, row.uptime, window, WINDOW_NAMES[window])
        else:
            text = badge.response_badge(row) if variant == "response" else badge.state_badge(row)
        return self._file(request, text, _SVG, BADGE_SECONDS)

    async def _feed(self, request: web.Request) -> web.Response:
        with SPARE.lent():
            # It loads the writer of XML.
            from probe.report import feed

        board = await self._board()
        incidents = sorted((*board.open, *board.recent), key=lambda each: -each.since)
        address = self._address or str(request.url.origin())
        title = f"Incidents seen from {board.overview.region}"
        text = feed.incident_feed(incidents, board.overview.now, address, title=title)
        return self._file(request, text, feed.CONTENT_TYPE, FEED_SECONDS)

    def _file(
        self, request: web.Request, text: str, content_type: str, seconds: int, *, status: int = 200
    ) -> web.Response:
        body = text.encode("utf-8", "backslashreplace")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        scope = "private" if self._is_protected() else "public"
        headers = {"Cache-Control": f"{scope}, max-age={seconds}", "ETag": tag}
        if status == 200 and request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(
            status=status, body=body, content_type=content_type, charset="utf-8", headers=headers
        )
