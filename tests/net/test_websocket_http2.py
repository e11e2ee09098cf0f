"""A WebSocket on a stream of HTTP/2 (RFC 8441), as browsers open it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import hpack
import pytest

from probe.net.protocol import http2
from probe.net.protocol.errors import PeerError, ProtocolViolation
from probe.net.protocol.exchange import Request
from probe.net.protocol.stream import Stream, connect_one
from probe.net.websocket.connection import WebSocket
from probe.net.websocket.handshake import accepted, handshake_headers
from tests.hostile.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    OK,
    RST,
    frame,
    literal,
    settings,
)
from tests.servers.pages import Pages

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = Request("GET", "https", "example.org", "/socket.io/", [*handshake_headers(KEY).items()])
OPENED = frame(HEADERS, OK, END_HEADERS, 1)
HELLO = frame(DATA, b"\x81\x05hello", 0, 1)


class Server:
    """Announces WebSockets and answers CONNECT with these bytes; ``asked`` are its fields, ``sent``
    the frames' payloads that came behind."""

    def __init__(self, *answer: bytes) -> None:
        self._answer = answer
        self.asked: dict[str, str] = {}
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"SM\r\n\r\n")
        writer.write(settings((8, 1)))
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
            if head[3] == HEADERS:
                assert not head[4] & END_STREAM
                fields = hpack.Decoder().decode(payload)
                self.asked = {str(name): str(value) for name, value in fields}
                writer.write(b"".join(self._answer))
            elif head[3] == DATA:
                self.sent.put_nowait(payload)


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[http2.Http2Response]:
    async with Pages(server.behave, listens=False) as pages:
        sock = await connect_one(socket.socket(), ("127.0.0.1", pages.port))
        stream = Stream(sock)
        try:
            yield await http2.exchange(stream, REQUEST, upgrade=True)
        finally:
            stream.close()


async def test_messages_go_both_ways_on_the_stream() -> None:
    server = Server(OPENED, HELLO)
    async with asking(server) as answer:
        web_socket = WebSocket(answer, accepted(answer, KEY))
        message = await web_socket.receive()
        await web_socket.send("2probe")
        assert message is not None
        assert message.data == "hello"
        assert (await server.sent.get())[:2] == b"\x81\x86"  # text, masked, of 6 bytes
    asked = {name: server.asked.get(name) for name in (":method", ":protocol", ":path")}
    assert asked == {":method": "CONNECT", ":protocol": "websocket", ":path": "/socket.io/"}
    assert not {"connection", "upgrade", "sec-websocket-key"} & server.asked.keys()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (frame(HEADERS, literal(b":status", b"405"), END_HEADERS | END_STREAM, 1), "status 405"),
        (frame(HEADERS, literal(b":status", b"101"), END_HEADERS, 1), "status 101"),
        (
            frame(HEADERS, OK + literal(b"sec-websocket-protocol", b"chat"), END_HEADERS, 1),
            "was not offered",
        ),
        (
            frame(HEADERS, OK + literal(b"sec-websocket-extensions", b"x"), END_HEADERS, 1),
            "was not offered",
        ),
    ],
)
async def test_what_opens_none_is_refused(answer: bytes, words: str) -> None:
    async with asking(Server(answer)) as response:
        with pytest.raises(ProtocolViolation, match=words):
            accepted(response, KEY)


@pytest.mark.parametrize(
    "end",
    [
        frame(DATA, b"", END_STREAM, 1),
        frame(RST, struct.pack(">I", 0), 0, 1),
        frame(RST, struct.pack(">I", 8), 0, 1),
        frame(DATA, b"\x88\x02\x03\xe8", END_STREAM, 1),
    ],
    ids=["end", "reset without an error", "cancelled", "closed"],
)
async def test_a_stream_that_ends_ends_the_session(end: bytes) -> None:
    async with asking(Server(OPENED, HELLO, end)) as answer:
        web_socket = WebSocket(answer, accepted(answer, KEY))
        assert await web_socket.receive() is not None
        with suppress(PeerError):
            assert await web_socket.receive() is None
