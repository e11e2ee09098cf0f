"""A backend of the lab behind what lets some pages have sessions: CORS, origins, headers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Struct, field
from multidict import CIMultiDict

from probe.lab.backend import LabBackend

JWT_SECRET = "a secret of thirty-two bytes or more"
PAGE = "<PAGE>"
"""Stands for the page's origin."""
ORIGIN = "Access-Control-Allow-Origin"
ALLOWED = (f"{ORIGIN}: {PAGE}",)
_HEADERS = "Access-Control-Allow-Headers: authorization, content-type"
_SOCKET_IO = "/socket.io/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate(Struct, frozen=True):
    """What Socket.IO is answered. ``polling``, ``posting`` and ``preflight`` are headers of what
    answers GET, POST and OPTIONS; ``sockets`` the origins that a WebSocket may have, all where it
    is None, and ``needs`` the headers that a request by these transports has to carry. What may
    not is answered ``refusal``; ``polls`` and ``permits`` are the statuses of polls and preflights.
    """

    polling: Sequence[str] = ALLOWED
    posting: Sequence[str] | None = None
    preflight: Sequence[str] = ()
    sockets: Sequence[str] | None = None
    refusal: int = 403
    polls: int | None = None
    permits: int = 204
    needs: Mapping[str, str] = field(default_factory=dict)

    def lines_of(self, method: str) -> Sequence[str]:
        """Headers of what answers it."""
        if method == "OPTIONS":
            return self.preflight
        return self.polling if method == "GET" or self.posting is None else self.posting

    def lets_in(self, request: web.Request, page: str) -> bool:
        """Whether it is handed on."""
        way = request.query.get("transport", "")
        if any(request.headers.get(name) != value for name, value in self._needed(way)):
            return False
        if way != "websocket" or self.sockets is None:
            return True
        return request.headers.get("Origin") in [each.replace(PAGE, page) for each in self.sockets]

    def _needed(self, way: str) -> list[tuple[str, str]]:
        words = (text.split(" ", 1) for text in self.needs.get(way, "").split("; ") if text)
        return [(name, value) for name, value in words]


class GatedBackend(LabBackend):
    """``page`` is the origin of the page that asks; None for one of its own."""

    def __init__(self, gate: Gate, page: str | None, shown: Callable[[], str]) -> None:
        super().__init__(jwt_secret=JWT_SECRET, turn_secret=JWT_SECRET)
        self.turn_urls = ["turn:127.0.0.1:9"]
        # What sessions are for is another matter: a journey ends in the queue.
        self.knobs.match, self.knobs.limits = "refused", False
        self.gate, self._of, self._shown = gate, page, shown

    @property
    def page(self) -> str:
        """The origin of the page."""
        return self._of or self.url

    def _app(self) -> web.Application:
        app = super()._app()
        app.middlewares.insert(0, self._keep_gate)
        app.on_response_prepare.append(self._mark)
        return app

    @web.middleware
    async def _keep_gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/page":
            return web.Response(text=self._shown(), content_type="text/html")
        if request.method == "OPTIONS":
            is_session = request.path == _SOCKET_IO
            return web.Response(status=self.gate.permits if is_session else 204)
        if request.path == _SOCKET_IO:
            if not self.gate.lets_in(request, self.page):
                return web.Response(status=self.gate.refusal)
            if self.gate.polls is not None and request.query.get("transport") == "polling":
                return web.Response(status=self.gate.polls)
        return await handler(request)

    async def _mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """What is issued may be read by each page."""
        if request.path == _SOCKET_IO:
            lines = self.gate.lines_of(request.method)
        else:
            lines = (*ALLOWED, _HEADERS)
        response.headers.popall(ORIGIN, None)
        response.headers.extend(_given(lines, self.page))


def _given(lines: Sequence[str], page: str) -> CIMultiDict[str]:
    pairs = (line.replace(PAGE, page).split(": ", 1) for line in lines)
    return CIMultiDict((name, value) for name, value in pairs)


@asynccontextmanager
async def gated_backend(
    gate: Gate, page: str | None, shown: Callable[[], str] = lambda: ""
) -> AsyncIterator[GatedBackend]:
    """One that listens; ``shown`` is the document at ``/page``."""
    backend = GatedBackend(gate, page, shown)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()
