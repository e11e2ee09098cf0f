"""How many connections the pages may hold, so that the rest of the probe has descriptors left.

A new connection is never refused: the one that has been idle for longest makes room. So the
health check of a service manager gets its answer beside any number of idle connections.
"""

import asyncio
import socket
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.core.resources import descriptor_limit

FEWEST, MOST = 16, 512
LONGEST_BACKLOG = 128
CONNECTING_SECONDS = 1.0


def most_connections() -> int:
    """A quarter of what this process may open."""
    return min(max(descriptor_limit() // 4, FEWEST), MOST)


class Connections:
    """Makes a protocol for each connection, and ends the idlest one when there are too many."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most if most is not None else most_connections()
        self._known: dict[web.RequestHandler, float] = {}
        self._busy: set[object] = set()
        self._server: asyncio.Server | None = None

    @property
    def backlog(self) -> int:
        """How many connections are taken in one turn of the loop."""
        return max(4, min(self._most // 2, LONGEST_BACKLOG))

    async def serve(self, make: Callable[[], web.RequestHandler], bound: socket.socket) -> None:
        """Accept on a bound socket."""
        loop = asyncio.get_running_loop()

        def factory() -> web.RequestHandler:
            self._make_room(loop.time())
            made = make()
            self._known[made] = loop.time()
            return made

        self._server = await loop.create_server(factory, sock=bound, backlog=self.backlog)

    def stop(self) -> None:
        """Accept no more."""
        if self._server is not None:
            self._server.close()

    @property
    def middleware(self) -> Middleware:
        """Notes which connections have a request under way."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = request.protocol
            self._busy.add(connection)
            # One that is used goes to the end of the line.
            if self._known.pop(connection, None) is not None:
                self._known[connection] = asyncio.get_running_loop().time()
            try:
                return await handler(request)
            finally:
                self._busy.discard(connection)

        return middleware

    def _make_room(self, now: float) -> None:
        # One that was made just now is not connected yet.
        for known, since in list(self._known.items()):
            if known.transport is None and now - since > CONNECTING_SECONDS:
                del self._known[known]
        while len(self._known) >= self._most:
            idle = next((each for each in self._known if each not in self._busy), None)
            if idle is None:
                return
            del self._known[idle]
            idle.force_close()
