"""How much of a connection is handled in one turn of the loop, whatever it sends."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from probe.net.flow.pace import (
    CREDIT,
    FIRST_SLICE,
    MAX_PAUSE,
    MAX_SLICE,
    MIN_SLICE,
    SHARE,
    TURN,
    ReadPace,
)
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_stream import TlsStream
from tests.hostile.servers import Layer, saying, serving, serving_over
from tests.servers.certificate import make_certificate


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_cheap_slices_grow_and_dear_ones_shrink_to_what_a_turn_may_take() -> None:
    pace = ReadPace(clock=Clock())
    for _ in range(10):
        assert pace.charge(0.00001, is_full=True) == 0
    assert pace.slice == MAX_SLICE
    pace.charge(8 * TURN, is_full=True)
    assert pace.slice == MAX_SLICE // 8
    pace.charge(1.0, is_full=True)
    assert pace.slice == MIN_SLICE


def test_a_slice_that_was_not_full_says_nothing_of_larger_ones() -> None:
    pace = ReadPace(clock=Clock())
    pace.charge(0.00001, is_full=False)
    assert pace.slice == FIRST_SLICE


def test_a_flood_has_its_share_of_the_loop_and_no_more() -> None:
    clock = Clock()
    pace, worked = ReadPace(clock=clock), 0.0
    while clock.now < 10:
        clock.now += TURN
        worked += TURN
        clock.now += pace.charge(TURN, is_full=True)
    assert worked == pytest.approx(SHARE * clock.now + CREDIT, rel=0.02)


def test_who_is_within_the_share_never_rests() -> None:
    clock = Clock()
    pace = ReadPace(clock=clock)
    for _ in range(1000):
        clock.now += 0.01
        assert pace.charge(SHARE * 0.01, is_full=False) == 0


def test_a_pause_is_bounded_and_the_rest_of_the_debt_forgiven() -> None:
    clock = Clock()
    pace = ReadPace(clock=clock)
    assert pace.charge(60.0, is_full=False) == MAX_PAUSE
    clock.now += MAX_PAUSE
    assert pace.charge(0.0, is_full=False) == pytest.approx(0.0, abs=1e-9)


def burn(seconds: float) -> None:
    """Use so much CPU in this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def handled(stream: Stream, length: int, *, cost: float) -> list[int]:
    """Read so many bytes, each of which takes ``cost`` seconds of CPU; how many were handled in
    each turn of the loop."""
    turns, done = [0], False

    async def count() -> None:
        while not done:
            await asyncio.sleep(0)
            if turns[-1]:
                turns.append(0)

    counting = asyncio.create_task(count())
    while sum(turns) < length:
        data = await stream.read()
        assert data
        burn(cost * len(data))
        turns[-1] += len(data)
    done = True
    await counting
    return turns


async def plain(port: int, _: Path) -> Stream:
    """A connected stream that has asked."""
    made = socket.create_connection(("127.0.0.1", port))
    made.setblocking(False)
    stream = Stream(made)
    await stream.write(b"?")
    return stream


async def secured(port: int, folder: Path) -> Stream:
    """The same over TLS."""
    made = socket.create_connection(("127.0.0.1", port))
    made.setblocking(False)
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    stream = TlsStream(made, context, "127.0.0.1")
    await stream.handshake()
    await stream.write(b"?")
    return stream


@pytest.mark.parametrize(("layer", "connect"), [("plain", plain), ("TLS", secured)])
async def test_dear_bytes_are_handled_a_little_in_each_turn(
    layer: Layer, connect: Callable[[int, Path], Awaitable[Stream]], tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    async with serving_over(layer, saying(bytes(64 << 10), then_reads=True), tmp_path) as port:
        stream = await connect(port, tmp_path)
        with contextlib.closing(stream):
            turns = await handled(stream, 32 << 10, cost=4e-6)
    # 8 KiB at once would take 33 ms of CPU; all but the first slices are smaller.
    assert max(turns) <= FIRST_SLICE
    assert max(turns[8:]) <= 1024


async def test_what_an_honest_server_sends_is_not_held_up() -> None:
    async with serving(saying(bytes(256 << 10), then_reads=True)) as port:
        stream = await plain(port, Path())
        with contextlib.closing(stream):
            async with asyncio.timeout(30):
                turns = await handled(stream, 256 << 10, cost=0)
    assert max(turns) > FIRST_SLICE
