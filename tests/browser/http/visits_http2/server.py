"""Servers of HTTP/2 that do as a row says, stream by stream, on connections that they keep."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import hpack
from msgspec import Struct

from tests.browser.http.tls_servers import certificate
from tests.hostile.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PUSH,
    RST,
    SETTINGS,
    WINDOW,
    frame,
    settings,
)
from tests.servers.pages import Pages

_PREFACE, _PRIORITY, _TABLE = 24, 0x20, 65_536
_HTTP1_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
Step = tuple[str, ...]
"""What is sent in answer to a request, step by step; see ``_sent``."""


class Http2Server(Struct, frozen=True):
    """``connections`` have the answers on each connection that is used, one for each request, and
    then end; the last connection's stand for all that follow. ``opening`` are the settings."""

    connections: Sequence[Sequence[Step]]
    opening: bytes = settings()
    protocols: tuple[str, ...] = ("h2",)


@asynccontextmanager
async def serving(server: Http2Server, folder: Path) -> AsyncIterator[str]:
    """Its address."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder, "p-256"))
    tls.set_alpn_protocols(list(server.protocols))
    left = [list(each) for each in server.connections]

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        if chosen != "h2":
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_HTTP1_PAGE)
            return
        await _Connection(reader, writer, left).serve(server.opening)

    async with Pages(behave, tls=tls, listens=False) as pages:
        yield f"{pages.url}/"


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[list[Step]]
    ) -> None:
        self._reader, self._writer, self._left = reader, writer, left
        self._decoder, self._encoder = hpack.Decoder(), hpack.Encoder()
        self._decoder.max_allowed_table_size = _TABLE
        self._answers: list[Step] | None = None

    async def serve(self, opening: bytes) -> None:
        await self._reader.readexactly(_PREFACE)
        self._writer.write(opening)
        while self._answers is None or self._answers:
            head = await self._reader.readexactly(9)
            payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == SETTINGS and not flags & ACK:
                self._writer.write(frame(SETTINGS, b"", ACK))
            elif kind == PING and not flags & ACK:
                self._writer.write(frame(PING, payload, ACK))
            elif kind == HEADERS:
                block = payload[5:] if flags & _PRIORITY else payload
                fields = self._decoder.decode(block, raw=True)
                if any(b"favicon" in bytes(each[1]) for each in fields):
                    continue
                if self._answers is None:
                    # One that was opened in advance, and is not used, counts for nothing.
                    more = len(self._left) > 1
                    self._answers = self._left.pop(0) if more else list(self._left[0])
                for step in self._answers.pop(0):
                    if step == "reset the connection":
                        self._writer.transport.abort()
                        return
                    self._writer.write(self._sent(step, stream))
                    await self._writer.drain()

    def _sent(self, step: str, stream: int) -> bytes:
        """One of ``_FRAMES`` by its name, ``200 TEXT``, ``302 PATH``, ``moved PATH`` and ``headers
        STATUS`` (both without their end), or a status."""
        name, _, rest = step.partition(" ")
        if name in _FRAMES:
            return _FRAMES[name](rest, stream)
        if name in ("302", "moved"):
            fields = [(":status", "302"), ("location", rest)]
            return self._head(fields, stream, ends=name == "302")
        if name == "200":
            return self._head([(":status", "200")], stream, ends=False) + _data(rest, stream)
        return self._head([(":status", rest or name)], stream, ends=name != "headers")

    def _head(self, fields: list[tuple[str, str]], stream: int, *, ends: bool) -> bytes:
        flags = END_HEADERS | (END_STREAM if ends else 0)
        return frame(HEADERS, self._encoder.encode(fields), flags, stream)


def _data(rest: str, stream: int) -> bytes:
    return frame(DATA, rest.encode(), END_STREAM, stream)


def _goaway(rest: str, stream: int) -> bytes:
    """Of a code, and of the last stream: this one, the one before, or all."""
    code, _, last = rest.partition(" ")
    number = {"this": stream, "before": max(stream - 2, 0), "all": 2**31 - 1}[last]
    return frame(GOAWAY, struct.pack(">II", number, int(code)))


def _setting(rest: str, __: int) -> bytes:
    number, _, value = rest.partition(" ")
    return settings((int(number), int(value)))


_FRAMES: dict[str, Callable[[str, int], bytes]] = {
    "rst": lambda rest, stream: frame(RST, struct.pack(">I", int(rest)), stream=stream),
    "goaway": _goaway,
    "settings": _setting,
    "ping": lambda _, __: frame(PING, b"12345678"),
    "window": lambda rest, _: frame(WINDOW, struct.pack(">I", int(rest))),
    "data": _data,
    # Of the stream before.
    "old": lambda rest, stream: frame(DATA, rest.encode(), 0, max(stream - 2, 1)),
    "push": lambda _, stream: frame(PUSH, b"\0\0\0\2\x88", END_HEADERS, stream),
    "garbage": lambda _, __: b"\xff" * 40,
}
