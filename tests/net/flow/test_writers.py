"""Who writes at the same time on one connection does not mix bytes with others."""

import asyncio
import contextlib
import random
import socket
import ssl
from pathlib import Path

import pytest

from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_stream import TlsStream
from tests.hostile.servers import Layer, serving_over
from tests.servers.certificate import make_certificate

MESSAGE, WRITERS, EACH = 20_000, 5, 12


async def connected(layer: Layer, port: int, folder: Path) -> Stream:
    """A connection whose socket takes little at once."""
    made = socket.create_connection(("127.0.0.1", port))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    made.setblocking(False)
    if layer == "plain":
        return Stream(made)
    stream = TlsStream(made, ssl.create_default_context(cafile=folder / "ca.pem"), "127.0.0.1")
    await stream.handshake()
    return stream


async def write_some(stream: Stream, letter: bytes, yields: random.Random) -> None:
    """Messages of one letter, with turns of the loop between them."""
    for _ in range(EACH):
        await stream.write(letter * MESSAGE)
        for _ in range(yields.randrange(3)):
            await asyncio.sleep(0)


@pytest.mark.parametrize("layer", ["plain", "TLS"])
@pytest.mark.parametrize("seed", range(3))
async def test_messages_of_several_writers_stay_whole(
    layer: Layer, seed: int, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    received, complete = bytearray(), asyncio.Event()

    async def collect(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        received.extend(await reader.readexactly(WRITERS * EACH * MESSAGE))
        complete.set()

    async with serving_over(layer, collect, tmp_path) as port:
        stream = await connected(layer, port, tmp_path)
        with contextlib.closing(stream):
            letters = [bytes([ord("a") + number]) for number in range(WRITERS)]
            writers = (write_some(stream, each, random.Random(seed)) for each in letters)
            await asyncio.gather(*writers)
            await complete.wait()
    messages = [received[at : at + MESSAGE] for at in range(0, len(received), MESSAGE)]
    assert all(len(set(each)) == 1 for each in messages)


@pytest.mark.parametrize("then", ["read", "close", "write"])
async def test_a_server_gets_the_end_of_the_handshake_whatever_comes_next(
    then: str, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    shaken, heard = asyncio.Event(), bytearray()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shaken.set()  # asyncio calls it once the handshake is over
        writer.write(b"welcome")
        heard.extend(await reader.read(64))

    async with serving_over("TLS", behave, tmp_path) as port:
        stream = await connected("TLS", port, tmp_path)
        with contextlib.closing(stream):
            if then == "read":
                assert await stream.read() == b"welcome"
            elif then == "write":
                await stream.write(b"hello")
                assert await stream.read() == b"welcome"
        await shaken.wait()
    assert bytes(heard) == (b"hello" if then == "write" else b"")
