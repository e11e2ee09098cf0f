"""A Socket.IO server over WebSocket alone that writes its handshake and its frames itself."""

import asyncio
import base64
import hashlib
import json
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from tests.servers.pages import Pages

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OPEN = "0" + json.dumps(
    {
        "sid": "s0",
        "upgrades": [],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 1_000_000,
    }
)
_POLLED = (
    f"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: text/plain\r\n"
    f"Content-Length: {len(_OPEN)}\r\nConnection: close\r\n\r\n{_OPEN}"
).encode()
Coding = Callable[[str], bytes]


def frame(
    opcode: int, data: bytes = b"", *, bits: int = FIN, mask: bytes = b"", length: bytes = b""
) -> bytes:
    """One frame (RFC 6455, 5.2); ``length`` replaces what announces the payload's length."""
    masked = 0x80 if mask else 0
    size = len(data)
    if not length:
        length = bytes((size,)) if size < 126 else b"\x7e" + struct.pack(">H", size)
    length = bytes((length[0] | masked,)) + length[1:]
    body = bytes(each ^ mask[at % 4] for at, each in enumerate(data)) if mask else data
    return bytes((bits | opcode,)) + length + mask + body


def plain(text: str) -> bytes:
    """A message as it is."""
    return frame(TEXT, text.encode())


def accept_of(key: str) -> str:
    """The right Sec-WebSocket-Accept."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


class WireBends(Struct, frozen=True):
    """``status`` is the response's first line; ``headers`` are all others, with ``{accept}`` where
    the right one goes. ``before`` are frames ahead of ``connected``, ``beside`` ahead of a reply.
    ``coding`` makes a frame of each text. ``ends`` closes the connection behind ``before``.
    ``pieces`` is how many bytes are written at a time. ``with_head`` sends the first frame in the
    head's segment."""

    status: str = "HTTP/1.1 101 Switching Protocols"
    headers: Sequence[str] = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: {accept}",
    )
    before: bytes = b""
    beside: bytes = b""
    coding: Callable[[], Coding] = lambda: plain
    ends: bool = False
    pieces: int = 0
    with_head: bool = False


class _Session:
    def __init__(
        self, bends: WireBends, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._bends, self._reader, self._writer = bends, reader, writer
        self._code = bends.coding()
        self._inflate = zlib.decompressobj(-15)

    async def serve(self, head: str) -> None:
        bends = self._bends
        key = next(
            line.partition(":")[2].strip()
            for line in head.split("\r\n")
            if line.lower().startswith("sec-websocket-key:")
        )
        lines = [bends.status, *bends.headers, "", ""]
        first = "\r\n".join(lines).replace("{accept}", accept_of(key)).encode("latin-1")
        opening = self._code(_OPEN)
        if bends.with_head:
            await self._write(first + opening)
        else:
            await self._write(first)
            await self._write(opening)
        while (text := await self._next()) is not None:
            if text.startswith("40/signaling"):
                await self._write(self._code('40/signaling,{"sid":"n1"}'))
                await self._write(bends.before)
                if bends.ends:
                    return
                await self._write(self._code('42/signaling,["connected",{}]'))
            elif "leave-queue" in text:
                await self._write(bends.beside)
                await self._write(self._code('42/signaling,["queue-left",{}]'))

    async def _write(self, data: bytes) -> None:
        step = self._bends.pieces or max(len(data), 1)
        for at in range(0, len(data), step):
            self._writer.write(data[at : at + step])
            await self._writer.drain()
            if self._bends.pieces:
                await asyncio.sleep(0)

    async def _next(self) -> str | None:
        """The next text message; None when the client closes."""
        while True:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", await self._reader.readexactly(2))
            mask = await self._reader.readexactly(4)
            data = await self._reader.readexactly(size)
            data = bytes(each ^ mask[at % 4] for at, each in enumerate(data))
            if first & 0x0F == CLOSE:
                await self._write(frame(CLOSE, data))
                return None
            if first & RSV1:
                data = self._inflate.decompress(data + b"\0\0\xff\xff")
            if first & 0x0F == TEXT:
                return data.decode()


@asynccontextmanager
async def odd_websocket(bends: WireBends) -> AsyncIterator[str]:
    """Its URL, while the block lasts."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = pages.heads[-1]
        if "transport=websocket" not in head.partition("\r\n")[0]:
            writer.write(_POLLED)
            return
        await _Session(bends, reader, writer).serve(head)

    async with Pages(behave) as pages:
        yield pages.url
