"""Servers that send what a row says."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import hpack

from tests.browser.http.battery.rows import Row
from tests.browser.http.tls_servers import certificate
from tests.hostile.http2 import HEADERS, PING, SETTINGS, frame
from tests.servers.pages import Behaviour, Pages

_ABORT = struct.pack("ii", 1, 0)
_ACK, _PRIORITY, _PREFACE = 1, 0x20, 24
_HELD = 8.0  # seconds that a server keeps a connection open


@asynccontextmanager
async def serving(row: Row, folder: Path) -> AsyncIterator[str]:
    """The address of a server that behaves so."""
    behave = _http2(row) if row.is_http2 else _http1(row)
    tls = _tls(row, folder) if row.is_tls else None
    async with Pages(behave, tls=tls, listens=not row.is_http2) as pages:
        yield f"{pages.url}/"


def _tls(row: Row, folder: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder, "p-256"))
    tls.set_alpn_protocols(["h2" if row.is_http2 else "http/1.1"])
    return tls


def _http1(row: Row) -> Behaviour:
    left = list(row.answers)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        answer = (left.pop(0) if len(left) > 1 else left[0]).replace(b"PORT", b"%d" % port)
        if row.then == "drip":
            for at in range(len(answer)):
                writer.write(answer[at : at + 1])
                await writer.drain()
            return
        writer.write(answer)
        await writer.drain()
        if row.then == "reset":
            await asyncio.sleep(0.05)  # so that what was sent has arrived
            connected = writer.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            writer.transport.abort()
        elif row.then == "cut":
            writer.transport.abort()
        elif row.then == "hang":
            await _until_left(reader)

    return behave


async def _until_left(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(_HELD):
        await reader.read()


def _http2(row: Row) -> Behaviour:
    left = list(zip(row.answers, row.closes, strict=True))

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = hpack.Decoder()
        await reader.readexactly(_PREFACE)
        writer.write(row.opening)
        while True:
            head = await reader.readexactly(9)
            kind, flags = head[3], head[4]
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & _ACK:
                writer.write(frame(SETTINGS, b"", _ACK))
            elif kind == PING and not flags & _ACK:
                writer.write(frame(PING, payload, _ACK))
            elif kind == HEADERS and not _is_icon(payload, flags, decoder):
                answer, closes = left.pop(0) if len(left) > 1 else left[0]
                writer.write(answer)
                await writer.drain()
                if closes:
                    return

    return behave


def _is_icon(payload: bytes, flags: int, decoder: hpack.Decoder) -> bool:
    """Whether Chromium asks for the page's icon, which the rows know nothing of."""
    fields = decoder.decode(payload[5:] if flags & _PRIORITY else payload, raw=True)
    return any(b"favicon" in bytes(each[1]) for each in fields)
