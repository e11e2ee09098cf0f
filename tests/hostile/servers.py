"""Hostile servers on loopback: what they send, and how fast."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, cast

# A server that ends is no error that asyncio should speak of.
_ENDINGS = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that treats every connection so."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(*_ENDINGS):
                await behave(reader, writer)
        finally:
            running.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


Layer = Literal["plain", "TLS", "HTTP/2", "own TLS"]
"""What is below a behaviour: with TLS of its own it is made from the folder of the certificate."""
OwnTls = Callable[[Path], Behaviour]


@asynccontextmanager
async def serving_over(
    layer: Layer, behave: Behaviour | OwnTls, folder: Path
) -> AsyncIterator[int]:
    """As ``serving``; the certificate is in ``folder``."""
    if layer == "own TLS":
        async with serving(cast(OwnTls, behave)(folder)) as port:
            yield port
        return
    context = None
    if layer != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if layer == "HTTP/2" and context is not None:
        context.set_alpn_protocols(["h2"])
    async with serving(cast(Behaviour, behave), context) as port:
        yield port


def http(body: bytes, status: int = 200) -> Behaviour:
    """Every request is answered with this body."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = head.partition("content-length:")[2].split("\r\n")[0].strip()
            if length:
                await reader.readexactly(int(length))
            writer.write(b"HTTP/1.1 %d Any\r\nContent-Length: %d\r\n\r\n" % (status, len(body)))
            writer.write(body)
            await writer.drain()

    return behave


def saying(*parts: bytes, then_reads: bool = False) -> Behaviour:
    """Says this once it is asked something, and hangs up, or listens on."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then_reads:
            await reader.read()

    return behave


def repeating(part: bytes) -> Behaviour:
    """Says this again and again, whether or not it is asked."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        block = part * max(1, (64 << 10) // len(part))
        for _ in range((64 << 20) // len(block)):
            writer.write(block)
            await writer.drain()
        await reader.read()

    return behave


def replies(*lines: bytes) -> Behaviour:
    """Answers one request after the other; the last answer again and again."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting = list(lines)
        while await reader.read(4096):
            writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])
            await writer.drain()

    return behave


def pg(kind: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """A message of PostgreSQL's protocol; ``length`` is what it says of itself."""
    return kind + struct.pack(">I", len(body) + 4 if length is None else length) + body


def postgres(*answers: bytes) -> Behaviour:
    """Refuses TLS, then answers the start-up and each message after it."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(await reader.read(4096)) == 8:
            writer.write(b"N")
            await reader.read(4096)
        for number, answer in enumerate(answers):
            if number:
                await reader.read(4096)
            writer.write(answer)
            await writer.drain()

    return behave
