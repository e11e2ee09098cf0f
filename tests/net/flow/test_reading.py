"""A stream watches its socket from one read to the next, and loses nothing by it."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from probe.net.protocol.stream import Stream

TURNS = 6


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The stream's socket, and the other end."""
    own, other = socket.socketpair()
    own.setblocking(False)
    with own, other:
        yield own, other


async def turns(count: int = TURNS) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def is_watched(descriptor: int) -> bool:
    """Whether the loop watched it for reading, which ends with this."""
    return asyncio.get_running_loop().remove_reader(descriptor)


@pytest.mark.parametrize("after", range(TURNS))
async def test_what_comes_while_a_read_is_cancelled_is_read_by_the_next(
    after: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    own, other = pair
    stream = Stream(own)
    reading = asyncio.create_task(stream.read())
    await turns()
    other.send(b"first")
    await turns(after)
    reading.cancel()
    (found,) = await asyncio.gather(reading, return_exceptions=True)
    if isinstance(found, BaseException):
        assert not stream.is_idle
        found = await stream.read()
    assert found == b"first"
    assert stream.is_idle
    other.send(b"second")
    assert await stream.read() == b"second"
    stream.close()


async def test_the_socket_is_watched_once_for_many_reads(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = pair
    loop = asyncio.get_running_loop()
    add_reader = Mock(wraps=loop.add_reader)
    monkeypatch.setattr(loop, "add_reader", add_reader)
    stream = Stream(own)
    for number in range(20):
        reading = asyncio.create_task(stream.read())
        await turns()
        other.send(b"%d" % number)
        assert await reading == b"%d" % number
    stream.close()
    add_reader.assert_called_once()


async def test_what_no_one_waits_for_is_left_in_the_socket_and_wakes_no_one(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    own, other = pair
    stream = Stream(own)
    other.send(b"wanted")
    assert await stream.read() == b"wanted"
    other.send(b"unwanted")
    await turns()
    assert not is_watched(own.fileno())
    assert own.recv(99, socket.MSG_PEEK) == b"unwanted"
    assert not stream.is_idle
    assert await stream.read() == b"unwanted"
    stream.close()


async def test_more_than_a_slice_comes_whole_and_in_order(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    own, other = pair
    sent = bytes(number % 251 for number in range(100_000))
    stream, received = Stream(own), bytearray()
    sending = asyncio.create_task(asyncio.to_thread(other.sendall, sent))
    while len(received) < len(sent):
        received += await stream.read()
    await sending
    assert bytes(received) == sent
    assert stream.received == len(sent)
    stream.close()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_the_number_of_a_closed_socket_is_free_for_another(
    cancelled: bool, pair: tuple[socket.socket, socket.socket]
) -> None:
    own, other = pair
    stream = Stream(own)
    other.send(b"something")
    assert await stream.read() == b"something"
    if cancelled:
        reading = asyncio.create_task(stream.read())
        await turns()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    number = own.fileno()
    stream.close()
    assert not is_watched(number)


async def test_a_socket_that_is_handed_over_is_another_streams(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    own, other = pair
    first = Stream(own)
    other.send(b"plain")
    assert await first.read() == b"plain"
    second = Stream(first.hand_over())
    assert not is_watched(own.fileno())
    reading = asyncio.create_task(second.read())
    await turns()
    other.send(b"secured")
    assert await reading == b"secured"
    second.close()


@pytest.mark.parametrize("reset", [True, False])
async def test_an_end_and_a_reset_reach_who_reads(reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = socket.create_connection(server.getsockname())
        own.setblocking(False)
        other, _ = server.accept()
    stream = Stream(own)
    reading = asyncio.create_task(stream.read())
    await turns()
    if reset:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    (found,) = await asyncio.gather(reading, return_exceptions=True)
    assert isinstance(found, ConnectionResetError) if reset else found == b""
    stream.close()
