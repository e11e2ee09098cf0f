"""Server-sent events: an open page learns that something has changed, and asks for itself again.

https://html.spec.whatwg.org/multipage/server-sent-events.html. The number of readers is bounded,
each is sent a comment now and then, and one that does not read is dropped. Browsers reconnect by
themselves, also after a restart of the daemon.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web

from probe.web.connections import ConnectionState, ConnectionTable

EVENTS_PATH = "/events"
MAX_READERS = 64
# How often changes are looked for; several at once are one event.
POLL_SECONDS = 1.0
# Proxies close what is silent for a minute.
COMMENT_SECONDS = 20.0
# A reader that takes so long for a few bytes has gone.
WRITE_SECONDS = 10.0
# After which a browser reconnects, and comes back to a server that had no room.
RETRY_SECONDS = 5


class LiveUpdates:
    """``revision`` grows with every change; ``table`` are the server's connections, once it
    runs."""

    def __init__(
        self,
        revision: Callable[[], int],
        table: Callable[[], ConnectionTable | None],
        *,
        poll_seconds: float = POLL_SECONDS,
        comment_seconds: float = COMMENT_SECONDS,
        max_readers: int = MAX_READERS,
    ) -> None:
        self._revision, self._table = revision, table
        self._poll, self._comment, self._most = poll_seconds, comment_seconds, max_readers
        self._readers = 0
        self._closing = asyncio.Event()

    @property
    def readers(self) -> int:
        """How many pages are connected."""
        return self._readers

    def close(self) -> None:
        """End all streams: the server stops."""
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """``event: change`` for every change, until the reader leaves; 503 when there are too
        many."""
        if self._readers >= self._most or self._closing.is_set():
            headers = {"Retry-After": str(RETRY_SECONDS)}
            return web.Response(status=503, text="Too many readers\n", headers=headers)
        self._readers += 1
        try:
            return await self._stream(request)
        finally:
            self._readers -= 1

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            # nginx would keep events back until its buffer is full.
            "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        self._keep_open(request)
        known = self._revision()
        await self._write(response, f"retry: {RETRY_SECONDS * 1000}\nid: {known}\n\n")
        silent = 0.0
        while not self._closing.is_set() and not _has_gone(request):
            await self._wait()
            silent += self._poll
            newest = self._revision()
            if newest != known:
                known, silent = newest, 0.0
                text = f"event: change\nid: {known}\ndata: {known}\n\n"
            elif silent >= self._comment:
                text, silent = ": still here\n\n", 0.0
            else:
                continue
            if not await self._write(response, text):
                break
            self._keep_open(request)
        return response

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _write(self, response: web.StreamResponse, text: str) -> bool:
        """False if the reader has gone."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(text.encode())
        except (TimeoutError, ConnectionError):
            return False
        return True

    def _keep_open(self, request: web.Request) -> None:
        table = self._table()
        connection = table.of(request) if table is not None else None
        if connection is not None:
            connection.enter(ConnectionState.STREAM)


def _has_gone(request: web.Request) -> bool:
    """Whether the reader has closed the connection."""
    return request.transport is None or request.transport.is_closing()
