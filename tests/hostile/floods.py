"""How a server floods, or sends one byte at a time; plain and over TLS it is the same."""

import asyncio
import base64
import hashlib
import struct

from tests.hostile.servers import Behaviour

MAX_FLOOD = 24 << 20
"""What a flood sends at most, so that no test runs for ever."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def _flood(writer: asyncio.StreamWriter, part: bytes) -> None:
    block = part * max(1, (64 << 10) // len(part))
    for _ in range(MAX_FLOOD // len(block)):
        writer.write(block)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A byte each 50 ms, then silence."""
    for at in range(len(data)):
        writer.write(data[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0.05)


def web(head: bytes, endless: bytes) -> Behaviour:
    """Answers any request with this, then with the other part again and again."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await _flood(writer, endless)

    return behave


def web_once(answer: bytes) -> Behaviour:
    """Answers any request with this, then keeps the connection."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return behave


def slow_web(quick: bytes, slow: bytes) -> Behaviour:
    """Answers with a part at once and the other one byte by byte, again and again."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(quick)
        while True:
            await _drip(writer, slow)

    return behave


def redirecting(growing: bytes) -> Behaviour:
    """Always on to the next page, with one more cookie."""
    count = 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        while True:
            await reader.readuntil(b"\r\n\r\n")
            count += 1
            cookie = b"Set-Cookie: c%d=%s\r\n" % (count, growing)
            head = b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n" % count
            writer.write(head + cookie + b"\r\n")
            await writer.drain()

    return behave


def frame(opcode: int, data: bytes, *, fin: bool = True, reserved: int = 0) -> bytes:
    """A WebSocket frame of a server (RFC 6455, 5.2)."""
    first = bytes([0x80 * fin | reserved | opcode])
    if len(data) < 126:
        return first + bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return first + b"\x7e" + struct.pack(">H", len(data)) + data
    return first + b"\x7f" + struct.pack(">Q", len(data)) + data


def socket(
    endless: bytes, first: bytes = b"", *, slow: bool = False, joins: bool = True
) -> Behaviour:
    """An Engine.IO session over a WebSocket, up to the namespace; then this without end."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.lower().partition(b"sec-websocket-key:")[2].split(b"\r\n")[0]
        at = head.lower().index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
        accept = hashlib.sha1(head[at : at + len(key)].strip() + _GUID).digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n"
        )
        opening = b'0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
        writer.write(frame(1, opening))
        await reader.read(4096)
        if joins:
            writer.write(frame(1, b'40/signaling,{"sid":"x"}'))
        writer.write(first)
        if slow:
            while True:
                await _drip(writer, endless)
        await _flood(writer, endless)
        await reader.read()

    return behave


def stun(kind: int, attributes: bytes, transaction: bytes) -> bytes:
    """A STUN message (RFC 8489, section 5)."""
    return struct.pack(">HHI", kind, len(attributes), 0x2112A442) + transaction + attributes


def attribute(number: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return struct.pack(">HH", number, len(value)) + value + bytes(-len(value) % 4)


def relay(
    endless: bytes, answer: bytes = b"", *, slow: bool = False, kind: int = 0x113
) -> Behaviour:
    """A TURN server over a stream: answers each request so, then sends this without end."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(4096):
            if answer:
                writer.write(stun(kind, answer, request[8:20]))
            if slow:
                await _drip(writer, endless)
            elif endless:
                await _flood(writer, endless)
            await writer.drain()

    return behave


def after_hello(record: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        await _flood(writer, record)
        await reader.read()

    return behave


def after_hello_slowly(record: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        await _drip(writer, record)

    return behave
