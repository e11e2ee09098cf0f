"""A web server on port 0 that does to every connection what a test tells it, and counts."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from tests.servers.ports import free_port

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Pages:
    """Use as ``async with Pages(answers(200)) as pages``; ``pages.url`` is its address.

    ``heads`` are the requests' heads in the order of arrival; with ``listens=False`` it
    doesn't wait for any.
    """

    def __init__(
        self,
        behave: Behaviour,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        listens: bool = True,
    ) -> None:
        self._behave = behave
        self._listens = listens
        self.connections = 0
        self.heads: list[str] = []
        self._tls = tls
        self._host, self._port = host, port
        self._handlers: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._host, self._port, ssl=self._tls, limit=1 << 20
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address by literal IP."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def named_url(self) -> str:
        """The address by name, so that there is something to look up."""
        return self.url.replace(self._host, "localhost")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        try:
            if self._listens:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await self._behave(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has left
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._handlers.discard(task)


def message(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answers(status: int = 200, body: object = b"hello", **headers: str) -> Behaviour:
    """Answers every request alike; a body that is no bytes goes as JSON.

    Header names are written with underscores.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return says(message(status, data, {"Content-Length": str(len(data)), **named}))


def says(data: bytes) -> Behaviour:
    """Sends these bytes, whatever they are, and hangs up."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return behave


def repeats(start: bytes, again: bytes) -> Behaviour:
    """Sends ``start`` and then ``again`` without end."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)

    return behave


def hangs_after(data: bytes = b"") -> Behaviour:
    """Sends these bytes and nothing more, and keeps the connection."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.Event().wait()

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each connection, the last for all that follow."""
    left = list(behaviours)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(reader, writer)

    return behave


def closed_port() -> int:
    """A port on loopback where nobody listens (any more)."""
    return free_port()
