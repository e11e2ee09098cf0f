"""The targets of the benchmarks: one small server that notes when each of its pages is asked for.

Every answer ends its connection, so that no program that is measured keeps one.
"""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from tests.servers.certificate import Certificate

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BAD = b"HTTP/1.1 503 Down\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndown"


class Target:
    """Serves ``/NAME`` and takes webhooks at ``/hook``; within ``async with``.

    ``arrivals`` are the monotonic times of the requests of each page, ``failing`` the pages that
    answer 503, ``hooked`` is set by the first webhook.
    """

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.arrivals: defaultdict[str, list[float]] = defaultdict(list)
        self.failing: set[str] = set()
        self.hooked = asyncio.Event()
        self.port = self.hook_port = 0
        self.is_encrypted = certificate is not None
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(certificate.cert_file, certificate.key_file)
            self._tls.set_alpn_protocols(["http/1.1"])
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for tls in (self._tls, None):
            make = loop.create_server(lambda: _Answer(self), "127.0.0.1", 0, ssl=tls, backlog=4096)
            self._servers.append(await make)
        self.port, self.hook_port = (each.sockets[0].getsockname()[1] for each in self._servers)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    @property
    def hook(self) -> str:
        """Where webhooks are taken."""
        return f"http://127.0.0.1:{self.hook_port}/hook"

    def url(self, name: str) -> str:
        """The address of a page."""
        scheme = "https" if self.is_encrypted else "http"
        return f"{scheme}://127.0.0.1:{self.port}/{name}"

    def reset(self) -> None:
        """Forget what came, and answer well again."""
        self.arrivals.clear()
        self.failing.clear()
        self.hooked.clear()

    def answer(self, path: str) -> bytes:
        """The answer to a request of a page."""
        name = path.strip("/").partition("?")[0]
        if name == "hook":
            self.hooked.set()
            return GOOD
        self.arrivals[name].append(time.monotonic())
        return BAD if name in self.failing else GOOD


class _Answer(asyncio.Protocol):
    """One request, one answer."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" not in self._received or self._transport is None:
            return
        parts = self._received.split(b" ", 2)
        with suppress(IndexError):
            self._transport.write(self._target.answer(parts[1].decode("latin-1")))
        self._transport.close()
        self._transport = None


def lateness(arrivals: Iterable[list[float]], interval: float) -> list[float]:
    """How late each request of a page came, against the fixed rate that fits its earliest ones.

    A program that counts its interval from the end of a run falls behind more with each.
    """
    found: list[float] = []
    for times in arrivals:
        grid = [at - number * interval for number, at in enumerate(times)]
        found += [each - min(grid) for each in grid]
    return found
