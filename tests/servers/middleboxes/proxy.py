"""An HTTP proxy inside the test's own loop, which leads every name to one server."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_PIECE = 65536


class Proxy:
    """``seen`` are the requests' first lines and ``logins`` their Proxy-Authorization. Each is
    led to ``target`` (a port of this machine), or answered with ``status`` if that is set."""

    def __init__(self, target: int, *, status: int = 0) -> None:
        self.target, self.status = target, status
        self.seen: list[str] = []
        self.logins: list[str] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, _, rest = head.partition("\r\n")
        self.seen.append(first.rpartition(" ")[0])
        fields = (line.partition(": ") for line in rest.splitlines())
        self.logins += [value for name, _, value in fields if name.lower() == "proxy-authorization"]
        if self.status:
            writer.write(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        onward, backward = await asyncio.open_connection("127.0.0.1", self.target)
        method, address, _ = first.split(" ")
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = urlsplit(address)._replace(scheme="", netloc="").geturl()
            backward.write(f"{method} {path} HTTP/1.1\r\n{rest}".encode("latin-1"))
        await asyncio.gather(_copy(reader, backward), _copy(onward, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()
