"""HTTP/1.1 (RFC 9112): one request and its response, after which a connection may be kept."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

from probe.net.protocol.errors import (
    Flood,
    NotHttp,
    PeerError,
    ProtocolViolation,
    Truncated,
    Unanswered,
)
from probe.net.protocol.exchange import HttpResponse, Request, check_codings
from probe.net.protocol.framing import Framing, framing_of
from probe.net.protocol.head import Head, HeadReader, check_unambiguous, excerpt
from probe.net.protocol.stream import Stream

# 100 Continue, 103 Early Hints: an honest server sends one or two, and browsers take any number.
MAX_INFORMATIONAL = 500
SWITCHING = 101
# net::HttpResponseBodyDrainer: so much of a body that is given up is read.
_MAX_DRAINED = 16384
# A browser connects meanwhile, and takes what is ready first.
_DRAIN_SECONDS = 0.05
_REQUEST_TIMEOUT = 408
_NO_ANSWER = "closed the connection instead of answering"
_FORBIDDEN = re.compile(r"[\r\n\x00]")


class Http1Response(HttpResponse):
    """A response and its connection."""

    def __init__(self, stream: Stream, head: Head, rest: bytes, informational: int = 0) -> None:
        super().__init__(stream, head)
        self.rest, self.informational = rest, informational
        self._framing: Framing | None = None

    async def release(self) -> bool:
        if self.head.keeps_alive and not self._leaves_open:
            await self._drain()
        return self.head.keeps_alive and self._leaves_open

    async def is_ready(self) -> bool:
        return self.stream.is_idle

    async def next(self, request: Request) -> "Http1Response":
        response = await exchange(self.stream, request)
        if response.status == _REQUEST_TIMEOUT:
            raise Unanswered("has given the connection up (408)")
        return response

    @property
    def _leaves_open(self) -> bool:
        return self._framing is not None and self._framing.leaves_open

    async def _drain(self) -> None:
        length = 0
        with suppress(PeerError, OSError):  # TimeoutError is one
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for piece in self.raw_body():
                    length += len(piece)
                    if length > _MAX_DRAINED:
                        self._framing = None
                        return

    async def raw_body(self) -> AsyncIterator[bytes]:
        framing = self._framing = framing_of(self.head)
        data, at_once = self.rest, False
        while True:
            if data:
                piece = framing.feed(data)
                if piece:
                    yield piece
            if framing.done:
                return
            data = await self.stream.read(at_once=at_once)
            at_once = True
            if not data:
                framing.end()
                return


async def exchange(stream: Stream, request: Request, *, upgrade: bool = False) -> Http1Response:
    """Send a request and read its response's head. Raises PeerError, OSError."""
    with suppress(BrokenPipeError, ConnectionResetError):
        # A server may answer and close before it has read everything.
        await stream.write(_serialized(request))
    reader, rest, switched = HeadReader(), b"", False
    for before in range(MAX_INFORMATIONAL):
        try:
            head, rest = await _next_head(stream, reader, rest, secure=request.scheme == "https")
        except (NotHttp, Truncated, ConnectionError) as error:
            if switched and not isinstance(error, ConnectionError):
                raise ProtocolViolation("switches protocols (101) without being asked") from None
            if before and isinstance(error, Unanswered | ConnectionError):
                raise Truncated(_NO_ANSWER) from None  # it has answered: it is not asked again
            raise
        check_unambiguous(head)
        # Without being asked for, it is one of the informational responses, as in Chromium.
        if head.status >= 200 or (head.status == SWITCHING and upgrade):
            check_codings(head, request)
            return Http1Response(stream, head, rest, before)
        switched = switched or head.status == SWITCHING
    raise Flood(f"sends more than {MAX_INFORMATIONAL} informational responses (1xx)")


async def _next_head(
    stream: Stream, reader: HeadReader, data: bytes, *, secure: bool
) -> tuple[Head, bytes]:
    found = reader.feed(data) if data else None
    while found is None:
        data = await stream.read()
        if not data:
            start = reader.pending
            if start and b"http" not in start[:8].lower() and start[:3].lower() != b"icy":
                raise NotHttp(f"does not speak HTTP: it sends {excerpt(start)}")
            if not secure and (head := reader.end()) is not None:
                return head, b""
            raise (Truncated if start else Unanswered)(_NO_ANSWER)
        found = reader.feed(data)
    return found


def _serialized(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {request.authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method == "POST":
        lines.append(f"Content-Length: {len(request.body)}")
    if _FORBIDDEN.search("".join(lines)):
        raise ValueError("a line break in a request's head")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + request.body
