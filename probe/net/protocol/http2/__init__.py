"""HTTP/2 on a connection that ALPN chose it for (RFC 9113): a request and its response at a time.

Frames are read as Chromium reads them, whose verdict counts; the header compression is hpack's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

from probe.net.protocol.errors import Flood, PeerError, ProtocolViolation
from probe.net.protocol.exchange import HttpResponse, Request, check_codings
from probe.net.protocol.head import Head
from probe.net.protocol.http1 import MAX_INFORMATIONAL, SWITCHING
from probe.net.protocol.http2.connection import Http2Connection
from probe.net.protocol.http2.fields import head_of
from probe.net.protocol.stream import Stream

if TYPE_CHECKING:
    from probe.net.protocol.http2.tunnel import Http2Tunnel

# What has arrived already is read for so long at most.
_READ_SECONDS = 0.05


class Http2Response(HttpResponse):
    """A response on the newest stream of a connection."""

    opening = 200  # RFC 8441, 5

    def __init__(self, connection: Http2Connection, head: Head) -> None:
        super().__init__(connection.stream, head)
        self._connection = connection

    async def raw_body(self) -> AsyncIterator[bytes]:
        while not self._connection.is_over:
            event = await self._connection.next_event(is_answered=True)
            if isinstance(event, bytes):
                if event:
                    yield event
            elif not self._connection.is_over:
                raise ProtocolViolation("breaks the HTTP/2 protocol: it sends trailers, and more")

    @property
    def takes_tunnels(self) -> bool:
        return self._connection.takes_tunnels

    @property
    def upgraded(self) -> "Http2Tunnel":
        from probe.net.protocol.http2.tunnel import Http2Tunnel

        return Http2Tunnel(self._connection)

    async def release(self) -> bool:
        self._connection.cancel()
        return self._connection.takes_requests

    async def is_ready(self) -> bool:
        with suppress(PeerError, OSError):  # TimeoutError is one
            async with asyncio.timeout(_READ_SECONDS):
                await self._connection.read_beside()
            return self._connection.takes_requests
        return False

    async def next(self, request: Request) -> "Http2Response":
        return await _asked(self._connection, request)


async def exchange(stream: Stream, request: Request, *, upgrade: bool = False) -> Http2Response:
    """Send a request and read its response's headers; an ``upgrade`` asks for a WebSocket, of a
    server that has announced them. Raises PeerError, OSError."""
    connection = Http2Connection(stream)
    if upgrade:
        await connection.settle()
    return await _asked(connection, request, tunnel=upgrade)


async def _asked(
    connection: Http2Connection, request: Request, *, tunnel: bool = False
) -> Http2Response:
    await connection.send(request, tunnel=tunnel)
    informational = 0
    while True:
        event = await connection.next_event(is_answered=False)
        if isinstance(event, bytes):
            raise ProtocolViolation("breaks the HTTP/2 protocol: it sends data without a response")
        head = head_of(event)
        if head.status >= 200 or head.status == SWITCHING:
            check_codings(head, request)
            return Http2Response(connection, head)
        informational += 1
        if connection.is_over:
            raise ProtocolViolation("ends the HTTP/2 stream without a response")
        if informational > MAX_INFORMATIONAL:
            raise Flood(f"sends more than {MAX_INFORMATIONAL} informational responses (1xx)")
