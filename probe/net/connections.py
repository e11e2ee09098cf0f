"""The connections of a visit, some of which go on with it as a browser's do (RFC 9112, 9.3).

The first request to an origin has a connection of its own, always; one that a redirect or a poll
has left open carries what follows. A request that a kept connection does not answer is sent once
more on another one, since its server may have closed it in the same moment.
"""

import asyncio
from contextlib import suppress

from yarl import URL

from probe.net.fetch.timing import Timing
from probe.net.protocol import http1
from probe.net.protocol.errors import PeerError, Unanswered
from probe.net.protocol.exchange import HttpResponse, Request
from probe.net.protocol.http1 import Http1Response
from probe.net.protocol.stream import Stream

# net::HttpResponseBodyDrainer: so much of a body that nobody wants is read.
_MAX_DRAINED = 16384
# A browser connects meanwhile, and takes what is ready first.
_DRAIN_SECONDS = 0.05
_REQUEST_TIMEOUT = 408

Origin = tuple[str, str | None, int | None]


class Connections:
    """Those of one visit. ``timing`` hears of the phases of a request on a kept one."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._streams: set[Stream] = set()
        self._closed = False
        self._idle: dict[Origin, list[Stream]] = {}

    def add(self, stream: Stream) -> Stream:
        """Another one. Raises ConnectionAbortedError where the visit is over."""
        if self._closed:
            stream.close()
            raise ConnectionAbortedError
        self._streams.add(stream)
        return stream

    def end(self, stream: Stream) -> None:
        """Close one."""
        self._streams.discard(stream)
        stream.close()

    def close(self) -> None:
        """End every connection, and those that are still being made."""
        self._closed = True
        for stream in list(self._streams):
            self.end(stream)

    async def keep(self, response: HttpResponse, address: URL) -> None:
        """Keep the connection of a response whose body was read, or ends soon; or close it."""
        if (
            isinstance(response, Http1Response)
            and response.head.keeps_alive
            and (response.leaves_open or await _is_drained(response))
        ):
            self._idle.setdefault(_origin(address), []).append(response.stream)
        else:
            self.end(response.stream)

    def holds(self, stream: Stream) -> bool:
        """Whether it waits for a request."""
        return any(stream in each for each in self._idle.values())

    async def answer(self, sending: Request, address: URL) -> HttpResponse | None:
        """The answer on a kept connection; None where the request needs another one, since there
        is none, or none that answers. Raises PeerError, OSError."""
        idle = self._idle.get(_origin(address)) if self._idle else None
        while idle:
            stream = idle.pop()
            if stream.is_idle and (response := await self._answer_on(stream, sending)) is not None:
                return response
            self.end(stream)
        return None

    async def _answer_on(self, stream: Stream, sending: Request) -> HttpResponse | None:
        """As net::HttpNetworkTransaction::HandleIOError and ::DoReadHeadersComplete have it."""
        self._timing.enter("processing")
        try:
            response = await http1.exchange(stream, sending)
        except (Unanswered, ConnectionError):
            return None
        except BaseException:
            self.end(stream)
            raise
        if response.status == _REQUEST_TIMEOUT:
            return None
        self._timing.enter("transfer")
        return response


async def _is_drained(response: Http1Response) -> bool:
    length = 0
    with suppress(PeerError, OSError):  # TimeoutError is one
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for piece in response.raw_body():
                length += len(piece)
                if length > _MAX_DRAINED:
                    return False
    return response.leaves_open


def _origin(address: URL) -> Origin:
    return address.scheme, address.raw_host, address.port
