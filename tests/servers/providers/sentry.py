"""A Sentry ingest on port 0: takes envelopes as its developer documentation describes them."""

import asyncio
import contextlib
import gzip
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Self

from msgspec import Struct

KEY = "0123456789abcdef0123456789abcdef"
PROJECT = 42


class Item(Struct, frozen=True):
    """One item of an envelope: ``event``, ``check_in``, …"""

    kind: str
    payload: dict[str, Any]


class Sentry:
    """Use as ``async with Sentry() as sentry``; ``sentry.dsn`` is what a client needs.

    ``status`` and ``headers`` are what it answers; ``garbage`` is sent instead of HTTP;
    ``silent`` keeps it from answering at all. ``requests`` counts what came in, ``bodies``
    are the envelopes as they came (unpacked), ``items`` what is in them.
    """

    def __init__(
        self,
        *,
        status: int = 200,
        headers: tuple[str, ...] = (),
        garbage: bytes = b"",
        silent: bool = False,
    ) -> None:
        self.status, self.headers, self.garbage, self.silent = status, headers, garbage, silent
        self.requests = 0
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.items: list[Item] = []
        self._news = asyncio.Condition()
        self._handlers: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 22)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    @property
    def dsn(self) -> str:
        """The address with a public key and a project."""
        return f"http://{KEY}@127.0.0.1:{self.port}/{PROJECT}"

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of this kind, in the order of arrival."""
        return [item.payload for item in self.items if item.kind == kind]

    async def asked(self, times: int = 1) -> None:
        """Wait until so many requests have come in."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.requests >= times), timeout=20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            await self._take(reader)
            if self.silent:
                await asyncio.Event().wait()
            writer.write(self.garbage or self._answer())
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has left
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._handlers.discard(task)

    async def _take(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        named = {name.lower(): text.strip() for name, _, text in (x.partition(":") for x in lines)}
        body = await reader.readexactly(int(named.get("content-length", "0")))
        if named.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        assert first.startswith(f"POST /api/{PROJECT}/envelope/ "), first
        assert f"sentry_key={KEY}" in named["x-sentry-auth"]
        async with self._news:
            self.requests += 1
            self.heads.append(head)
            self.bodies.append(body)
            self.items += items_of(body)
            self._news.notify_all()

    def _answer(self) -> bytes:
        body = b'{"id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}'
        lines = [f"HTTP/1.1 {self.status} Whatever", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "Connection: close", *self.headers, "", ""]).encode() + body


def items_of(envelope: bytes) -> list[Item]:
    """An envelope's items: a line of headers for it, then headers and payload for each."""
    _, _, rest = envelope.partition(b"\n")
    found = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        headers = json.loads(line)
        length = headers.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        found.append(Item(headers["type"], json.loads(rest[:length])))
        rest = rest[length:].removeprefix(b"\n")
    return found


@contextlib.contextmanager
def sdk_apart() -> Iterator[None]:
    """The SDK is global: afterwards it is off again, and its thread has ended."""
    hook = sys.excepthook
    yield
    import sentry_sdk
    from sentry_sdk.integrations.logging import EventHandler

    sys.excepthook = hook
    for name in ("probe", "alerts", "asyncio"):
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if isinstance(each, EventHandler)]:
            logger.removeHandler(handler)
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_global_scope().clear()
    for thread in threading.enumerate():
        if thread.name.startswith("sentry-sdk"):
            thread.join(timeout=10)
            assert not thread.is_alive()
