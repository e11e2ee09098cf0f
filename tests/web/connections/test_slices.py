"""Bytes that take long to handle come in small slices, others in large ones."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from probe.web.connections.reads import (
    MAX_SLICE_SECONDS,
    MIN_SLICE,
    SLICE,
    SlicedReads,
    SliceSize,
    TlsReads,
)
from tests.clocks import Clock

Make = Callable[["Inner", SliceSize], asyncio.BufferedProtocol]


class Inner(asyncio.Protocol):
    """Takes so many seconds of CPU for a byte, in clear or as asyncio's TLS."""

    def __init__(self, clock: Clock, each: float) -> None:
        self.clock, self.each = clock, each
        self.sizes: list[int] = []

    def data_received(self, data: bytes) -> None:
        self.buffer_updated(len(data))

    def get_buffer(self, sizehint: int) -> bytearray:
        return bytearray(256 * 1024)

    def buffer_updated(self, nbytes: int) -> None:
        self.sizes.append(nbytes)
        self.clock.pass_(nbytes * self.each)


def _clear(inner: Inner, size: SliceSize) -> asyncio.BufferedProtocol:
    return SlicedReads(inner, size)


def _tls(inner: Any, size: SliceSize) -> asyncio.BufferedProtocol:
    reads = TlsReads(inner, lambda: None, size)
    reads.begin()
    reads.credit(1_000_000)
    return reads


def _receive(reads: asyncio.BufferedProtocol, times: int) -> None:
    for _ in range(times):
        reads.buffer_updated(len(memoryview(reads.get_buffer(-1))))


@pytest.mark.parametrize("make", [_clear, _tls])
@pytest.mark.parametrize(
    ("seconds_for_1024", "size"),
    [
        (0.0001, SLICE),
        (0.0005, 512),  # chunks of a byte: a turn of 0.25 ms
        (1.0, MIN_SLICE),
    ],
)
def test_a_slice_takes_little_of_the_processor(
    make: Make, seconds_for_1024: float, size: int
) -> None:
    clock = Clock()
    inner = Inner(clock, seconds_for_1024 / 1024)
    _receive(make(inner, SliceSize(clock)), 12)
    assert max(inner.sizes[6:]) <= 2 * size
    assert min(inner.sizes) >= MIN_SLICE
    assert min(inner.sizes[6:]) <= size


def test_what_is_quick_again_comes_in_large_slices_again() -> None:
    clock = Clock()
    inner = Inner(clock, MAX_SLICE_SECONDS)
    reads = SlicedReads(inner, SliceSize(clock))
    _receive(reads, 6)
    inner.each = 0.0
    _receive(reads, 6)
    assert (inner.sizes[5], inner.sizes[-1]) == (MIN_SLICE, SLICE)
