"""Pages rendered once for each change, and served from memory, compressed too."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

_LEVEL = 5
# Smaller ones gain nothing.
_LEAST = 1024


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as it is sent; ``zipped`` is empty where compressing gains nothing."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    zipped: bytes = b""

    @classmethod
    def of(
        cls, text: str, content_type: str, headers: Mapping[str, str] | None = None
    ) -> "RenderedPage":
        """From the page's text; takes milliseconds for a large one."""
        body = text.encode("utf-8", "backslashreplace")
        zipped = gzip.compress(body, _LEVEL) if len(body) >= _LEAST else b""
        return cls(body, content_type, headers or {}, zipped)

    def response(self, request: web.Request) -> web.Response:
        """The answer to a request, compressed for who takes that (RFC 9110, 12.5.3)."""
        headers = {**self.headers, "Vary": "Accept-Encoding"}
        body = self.body
        if self.zipped and takes_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = self.zipped
        return web.Response(
            body=body, content_type=self.content_type, charset="utf-8", headers=headers
        )


class RenderedPages:
    """Each page is made by one task at a time, however many ask for it."""

    def __init__(self, fresh_seconds: float) -> None:
        self._fresh = fresh_seconds
        self._tasks: dict[Hashable, tuple[float, int, asyncio.Task[RenderedPage]]] = {}

    async def get(
        self, key: Hashable, revision: int, make: Callable[[], Awaitable[RenderedPage]]
    ) -> RenderedPage:
        """The page as of this revision, at most ``fresh_seconds`` old."""
        now = asyncio.get_running_loop().time()
        made, known, task = self._tasks.get(key, (0.0, -1, None))
        stale = now - made >= self._fresh and (task is None or task.done())
        if task is None or known != revision or stale or _has_failed(task):
            task = asyncio.ensure_future(_awaited(make))
            self._tasks[key] = (now, revision, task)
        return await asyncio.shield(task)


async def _awaited(make: Callable[[], Awaitable[RenderedPage]]) -> RenderedPage:
    return await make()


def _has_failed(task: asyncio.Task[RenderedPage]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    for part in accepted.lower().split(",")[:16]:
        name, _, parameters = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
