"""Pages rendered once for each change, and served from memory, compressed too."""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web

_LEVEL = 5
# Smaller ones gain nothing.
_LEAST = 1024
# A page of metrics: a fast level (a scrape each few seconds), parts of this size at least, and a
# thread for what would take milliseconds.
_FAST, _PART_BYTES, _LARGE = 1, 16384, 65536
_FAMILY, _KEY_BYTES = b"\n# HELP ", 80
# RFC 1952: deflate, no name, no time; and deflate's empty last block (RFC 1951, 3.2.6).
_GZIP_HEAD, _LAST_BLOCK = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff", b"\x03\0"


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


class ZippedMetrics:
    """Compresses a page of metrics in parts; a part that has not changed is not compressed again.

    Every part ends at a byte boundary without referring to those before it (zlib's full flush), so
    that the parts together are one gzip member (RFC 1952), as every scraper reads it.
    """

    def __init__(self) -> None:
        self._parts: dict[bytes, tuple[bytes, bytes]] = {}
        self._lock = asyncio.Lock()
        self.compressed = 0

    async def compress(self, body: bytes) -> bytes:
        """The page in gzip; in a thread where it is large. ``compressed`` counts the bytes that had
        to be compressed."""
        async with self._lock:
            if len(body) < _LARGE:
                return self._compress(body)
            return await asyncio.to_thread(self._compress, body)

    def _compress(self, body: bytes) -> bytes:
        known, packed = {}, [_GZIP_HEAD]
        for part in _parts_of(body):
            key = part[:_KEY_BYTES]
            before = self._parts.get(key)
            if before is None or before[0] != part:
                before = part, _deflated(part)
                self.compressed += len(part)
            known[key] = before
            packed.append(before[1])
        self._parts = known
        end = struct.pack("<LL", zlib.crc32(body), len(body) & 0xFFFFFFFF)
        return b"".join((*packed, _LAST_BLOCK, end))


def _parts_of(body: bytes) -> Iterator[bytes]:
    """The page, cut before a family where a part is long enough to be compressed well."""
    start = 0
    while start < len(body):
        cut = body.find(_FAMILY, start + _PART_BYTES)
        end = len(body) if cut < 0 else cut + 1
        yield body[start:end]
        start = end


def _deflated(part: bytes) -> bytes:
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
