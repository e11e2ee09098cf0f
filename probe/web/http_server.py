"""The web server: one application on one port, with bounded connections."""

import asyncio
import socket
from contextlib import suppress
from typing import Protocol

from aiohttp import web

from probe.web.connections import ConnectionLimits, ConnectionTable
from probe.web.request_log import server_logger
from probe.web.security import WebSecurity

# Slow readers don't delay the shutdown.
SHUTDOWN_SECONDS = 1.0
# Connections that wait to be taken; more are refused by the system.
BACKLOG = 512


class ServedApplication(Protocol):
    """What a server serves. ``connections`` is set when it starts."""

    app: web.Application
    security: WebSecurity
    connections: ConnectionTable | None

    @property
    def refused_logins(self) -> int:
        """How many logins were rejected since the start."""
        ...

    def close(self) -> None:
        """The server stops: end what would last."""


class WebServer:
    """Serves the pages on one port; ``address`` is what it listens on."""

    def __init__(
        self,
        pages: ServedApplication,
        listen: tuple[str, int],
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._pages, self._listen = pages, listen
        self._limits = limits or ConnectionLimits.of_process()
        self._runner = web.AppRunner(
            pages.app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            handle_signals=False,
            keepalive_timeout=self._limits.idle,
            logger=server_logger(),
        )
        self._listener: asyncio.Server | None = None
        self.address = listen

    @property
    def refused_logins(self) -> int:
        """How many logins were rejected since the start."""
        return self._pages.refused_logins

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the address can't be had."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        table = self._pages.connections = ConnectionTable(
            server, self._limits, self._pages.security.tls, self._pages.security.accepts
        )
        bound = bind(*self._listen)
        self.address = bound.getsockname()[:2]
        loop = asyncio.get_running_loop()
        # asyncio takes so many in one turn, or one more (Python 3.15).
        self._listener = await loop.create_server(
            table.new, sock=bound, backlog=max(1, self._limits.accepts - 1)
        )
        # The system may hold more of them back.
        bound.listen(BACKLOG)

    async def stop(self) -> None:
        """Stop serving; streams of events end at once."""
        self._pages.close()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; ``::`` is every address, IPv4's too (Fly's checks come over IPv4,
    its scrapes over IPv6), also where the machine has no IPv6. Raises OSError."""
    if host == "::":
        with suppress(OSError):
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=socket.has_dualstack_ipv6()
            )
        host = "0.0.0.0"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
