"""Pages rendered once for each change, and served from memory, compressed too."""

import asyncio
import gzip
import hashlib
import struct
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from aiohttp import web
from msgspec import Struct, field

_LEVEL = 5
# Smaller ones gain nothing.
_LEAST = 1024
# Pages whose address a visitor chooses (filters) are not kept without a bound.
MAX_PAGES = 64
# A browser asks whether its copy is still the newest (RFC 9111, 5.2.2.4).
REVALIDATE = "private, no-cache"

T = TypeVar("T")
# A page of metrics: a fast level (a scrape each few seconds), parts of this size at least, and a
# thread for what would take milliseconds.
_FAST, _PART_BYTES, _LARGE = 1, 16384, 65536
_FAMILY, _KEY_BYTES = b"\n# HELP ", 80
# RFC 1952: deflate, no name, no time; and deflate's empty last block (RFC 1951, 3.2.6).
_GZIP_HEAD, _LAST_BLOCK = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff", b"\x03\0"


class RenderedPage(Struct, frozen=True):
    """A page as it is sent; ``zipped`` is empty where compressing gains nothing, ``etag`` where a
    copy is never the newest."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    zipped: bytes = b""
    etag: str = ""

    @classmethod
    def of(
        cls,
        text: str,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        revalidates: bool = False,
    ) -> "RenderedPage":
        """From the page's text; takes milliseconds for a large one. ``revalidates``: a browser may
        keep it, and asks whether it is still the newest."""
        body = text.encode("utf-8", "backslashreplace")
        zipped = gzip.compress(body, _LEVEL, mtime=0) if len(body) >= _LEAST else b""
        if not revalidates:
            return cls(body, content_type, headers or {}, zipped)
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"Cache-Control": REVALIDATE, **(headers or {}), "ETag": etag}
        return cls(body, content_type, headers, zipped, etag)

    def response(self, request: web.Request) -> web.Response:
        """The answer to a request, compressed for who takes that (RFC 9110, 12.5.3); 304 for who
        has it already (RFC 9110, 13.1.2)."""
        headers = {**self.headers, "Vary": "Accept-Encoding"}
        if self.etag and _has(request.headers.get("If-None-Match", ""), self.etag):
            return web.Response(status=304, headers=headers)
        body = self.body
        if self.zipped and takes_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = self.zipped
        return web.Response(
            body=body, content_type=self.content_type, charset="utf-8", headers=headers
        )


class RenderedPages:
    """Each page is made by one task at a time, however many ask for it."""

    def __init__(self, fresh_seconds: float, max_pages: int = MAX_PAGES) -> None:
        self._fresh, self._most = fresh_seconds, max_pages
        self._tasks: OrderedDict[Hashable, tuple[float, int, asyncio.Task[RenderedPage]]] = (
            OrderedDict()
        )

    def __len__(self) -> int:
        return len(self._tasks)

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
        self._tasks.move_to_end(key)
        if len(self._tasks) > self._most:
            self._tasks.popitem(last=False)
        return await asyncio.shield(task)


class FreshValue(Generic[T]):
    """What pages are made of, made at most once in ``fresh_seconds`` unless it has changed."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        revision: Callable[[], int],
        fresh_seconds: float,
    ) -> None:
        self._make, self._revision, self._fresh = make, revision, fresh_seconds
        self._task: asyncio.Future[T] | None = None
        self._made, self._known = -fresh_seconds, 0

    async def get(self) -> T:
        """The value as of now."""
        now, revision = asyncio.get_running_loop().time(), self._revision()
        fresh = now - self._made < self._fresh and revision == self._known
        if self._task is None or not fresh or _has_failed(self._task):
            self._made, self._known = now, revision
            self._task = asyncio.ensure_future(self._make())
        return await asyncio.shield(self._task)


async def _awaited(make: Callable[[], Awaitable[RenderedPage]]) -> RenderedPage:
    return await make()


def _has_failed(task: "asyncio.Future[T]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _has(known: str, etag: str) -> bool:
    """Whether one of the entity tags of an If-None-Match is this one; weak comparison."""
    opaque = etag.removeprefix("W/")
    tags = [each.strip().removeprefix("W/") for each in known.split(",")[:16]]
    return opaque in tags or known.strip() == "*"


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
