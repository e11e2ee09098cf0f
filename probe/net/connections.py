"""The connections of a visit, some of which go on with it as a browser's do (RFC 9112, 9.3).

The first request to an origin has a connection of its own, always; one that a redirect or a poll
has left open carries what follows. A request that a kept connection does not answer is sent once
more on another one, since its server may have closed it in the same moment.
"""

from yarl import URL

from probe.net.fetch.timing import Timing
from probe.net.protocol.errors import Unanswered
from probe.net.protocol.exchange import HttpResponse, Request
from probe.net.protocol.stream import Stream

Origin = tuple[str, str | None, int | None]


class Connections:
    """Those of one visit. ``timing`` hears of the phases of a request on a kept one."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._streams: set[Stream] = set()
        self._closed = False
        self._idle: dict[Origin, list[HttpResponse]] = {}
        self._tunneling: set[Origin] = set()

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
        """Keep the connection of a response that is done with, or close it."""
        if response.takes_tunnels:
            self._tunneling.add(_origin(address))
        if await response.release():
            self._idle.setdefault(_origin(address), []).append(response)
        else:
            self.end(response.stream)

    def takes_tunnels(self, address: URL) -> bool:
        """Whether a connection that was kept has announced WebSockets by HTTP/2 (RFC 8441)."""
        return _origin(address) in self._tunneling

    def holds(self, response: HttpResponse) -> bool:
        """Whether its connection waits for a request."""
        return any(response in each for each in self._idle.values())

    async def answer(self, sending: Request, address: URL) -> HttpResponse | None:
        """The answer on a kept connection; None where the request needs another one, since there
        is none, or none that answers. Raises PeerError, OSError."""
        idle = self._idle.get(_origin(address)) if self._idle else None
        while idle:
            before = idle.pop()
            if await before.is_ready() and (found := await self._answer_behind(before, sending)):
                return found
            self.end(before.stream)
        return None

    async def _answer_behind(self, before: HttpResponse, sending: Request) -> HttpResponse | None:
        """As net::HttpNetworkTransaction::HandleIOError has it."""
        self._timing.enter("processing")
        try:
            response = await before.next(sending)
        except (Unanswered, ConnectionError):
            return None
        except BaseException:
            self.end(before.stream)
            raise
        self._timing.enter("transfer")
        return response


def _origin(address: URL) -> Origin:
    return address.scheme, address.raw_host, address.port
