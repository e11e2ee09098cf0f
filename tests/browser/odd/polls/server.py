"""A Socket.IO 5 server, by polling alone, that writes the bytes of its answers itself."""

import asyncio
import gzip
import json
import re
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import brotli
from msgspec import Struct

from tests.servers.pages import Pages

LINES = "Access-Control-Allow-Origin: *\r\nContent-Type: text/plain; charset=UTF-8\r\n"
_PROPER = f"HTTP/1.1 200 OK\r\n{LINES}Content-Length: LENGTH\r\n\r\nBODY"
_PREFLIGHT = f"HTTP/1.1 204 No Content\r\n{LINES}\r\n".encode()
_OPENING = "0" + json.dumps(
    {
        "sid": "s0",
        "upgrades": [],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 1_000_000,
    }
)
_ABORT = struct.pack("ii", 1, 0)


def _flushed(bits: int) -> Callable[[bytes], bytes]:
    """As who flushes what is there, and never says that it was all."""

    def pack(data: bytes) -> bytes:
        coder = zlib.compressobj(wbits=bits)
        return coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH)

    return pack


def _flushed_br(data: bytes) -> bytes:
    coder = brotli.Compressor()
    return bytes(coder.process(data) + coder.flush())


def _raw(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "gzip": gzip.compress,
    "gzip flushed": _flushed(31),
    "gzip without its trailer": lambda data: gzip.compress(data)[:-8],
    "gzip and garbage": lambda data: gzip.compress(data) + b"garbage",
    "gzip and another member": lambda data: gzip.compress(data) + gzip.compress(b"\x1e6"),
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
    "half of gzip": lambda data: gzip.compress(data)[: 10 + len(data) // 4],
    "deflate": zlib.compress,
    "deflate flushed": _flushed(15),
    "raw deflate": _raw,
    "raw deflate flushed": _flushed(-15),
    "br": brotli.compress,
    "br flushed": _flushed_br,
    "br and garbage": lambda data: brotli.compress(data) + b"garbage",
}


class Form(Struct, frozen=True):
    """How an answer is written: ``BODY`` is the packets in this ``coding``, ``LENGTH`` their length
    (``LONG`` and ``SHORT``: one more and less), ``CHUNKS`` one chunk, ``BYTES`` one for each.
    ``then``: the connection goes on, or ends by ``close`` or ``reset``."""

    text: str = _PROPER
    then: str = ""
    coding: str = ""

    def written(self, packets: str) -> bytes:
        """The answer's bytes."""
        body = CODINGS[self.coding](packets.encode()).decode("latin-1")
        words = {
            "BODY": body,
            "LENGTH": str(len(body)),
            "LONG": str(len(body) + 1),
            "SHORT": str(len(body) - 1),
            "CHUNKS": f"{len(body):x}\r\n{body}\r\n",
            "BYTES": "".join(f"1\r\n{each}\r\n" for each in body),
        }
        pattern = re.compile("|".join(words))
        return pattern.sub(lambda found: words[found[0]], self.text).encode("latin-1")


class _Polls:
    def __init__(self, polled: Form, posted: Form) -> None:
        self._polled, self._posted = polled, posted
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
            sent = await reader.readexactly(int(length[1]) if length else 0)
            if head.startswith("OPTIONS"):
                writer.write(_PREFLIGHT)
                continue
            form = self._posted if head.startswith("POST") else self._polled
            writer.write(form.written(await self._packets(head, sent.decode())))
            await writer.drain()
            if form.then == "reset":
                await asyncio.sleep(0.05)  # so that what was sent has arrived
                connected = writer.get_extra_info("socket")
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                writer.transport.abort()
            if form.then:
                return

    async def _packets(self, head: str, sent: str) -> str:
        if head.startswith("POST"):
            for packet in sent.split("\x1e"):
                self._take(packet)
            return "ok"
        if "sid=" not in head.partition("\r\n")[0]:
            return _OPENING
        found = [await self._waiting.get()]
        while not self._waiting.empty():
            found.append(self._waiting.get_nowait())
        return "\x1e".join(found)

    def _take(self, packet: str) -> None:
        if packet.startswith("40/signaling"):
            self._waiting.put_nowait('40/signaling,{"sid":"n1"}')
            self._waiting.put_nowait('42/signaling,["connected",{}]')
        elif "leave-queue" in packet:
            self._waiting.put_nowait('42/signaling,["queue-left",{}]')


@asynccontextmanager
async def odd_polls(polled: Form, posted: Form) -> AsyncIterator[str]:
    """Its URL, while the block lasts."""
    async with Pages(_Polls(polled, posted).behave, listens=False) as pages:
        yield pages.url
