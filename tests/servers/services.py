"""A service that takes documents over a real socket, with a script of failures."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from aiohttp import web
from msgspec import Struct, field


class Failure(Struct, frozen=True):
    """How one request goes wrong: a status and body, after a delay. Or the request is taken,
    and the connection ends (``reset``), the answer trickles in for ``trickle`` seconds, or the
    status comes all the same (``accepted``). Or nobody is there: the connection ends at once
    (``absent``)."""

    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    trickle: float = 0.0
    absent: bool = False
    accepted: bool = False


class Service:
    """A service that takes documents; ``taken`` are those that it accepted, in order;
    ``seen`` and ``headers`` are the body and the header fields of each request.

    ``fail`` is a script: one entry is used up by each request, None lets it pass.
    ``asked`` is set by every request.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.seen: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.fail: deque[Failure | None] = deque()
        self.url = ""
        self.asked = asyncio.Event()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        self.routes(app)
        app.router.add_post("/{path:.*}", self._take)
        # Who is kept waiting on purpose does not keep the test waiting.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def routes(self, app: web.Application) -> None:
        """What else it serves."""

    async def until(self, count: int, seconds: float = 150.0) -> list[dict[str, Any]]:
        """Wait until so many documents were accepted."""
        async with asyncio.timeout(seconds):
            while len(self.taken) < count:
                self._news.clear()
                await self._news.wait()
        return self.taken

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.asked.set()
        failure = self.fail.popleft() if self.fail else None
        if failure is not None and failure.absent:
            return _cut(request, web.Response())
        body = await request.read()
        self.seen.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if failure is not None and not (failure.reset or failure.trickle or failure.accepted):
            await asyncio.sleep(failure.delay)
            return web.Response(status=failure.status, text=failure.body, headers=failure.headers)
        response = self.answer(request, json.loads(body))
        self._news.set()
        if failure is None:
            return response
        if failure.accepted:
            return web.Response(status=failure.status, text=failure.body)
        return _cut(request, response) if failure.reset else await _slow(request, response, failure)

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """What the service says to a document; accepts everything unless overridden."""
        self.taken.append(document)
        return web.Response(text="ok")


def _cut(request: web.Request, response: web.Response) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return response


async def _slow(
    request: web.Request, response: web.Response, failure: Failure
) -> web.StreamResponse:
    """The answer, byte by byte."""
    text = (response.text or "").encode()
    slow = web.StreamResponse(status=response.status, headers={"Content-Type": "text/plain"})
    with suppress(ConnectionResetError):  # who asked had no patience
        await slow.prepare(request)
        for byte in text:
            await slow.write(bytes([byte]))
            await asyncio.sleep(failure.trickle / len(text))
    return slow
