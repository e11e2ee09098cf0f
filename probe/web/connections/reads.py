"""What a socket gives is handled a few kilobytes at a time.

One read of asyncio brings up to 256 KiB: 40,000 chunks of a byte, or 9,000 key updates of TLS,
take more than a tenth of a second to handle, and each check waits for that.
"""

import asyncio
import time
from collections.abc import Callable

from probe.net.flow.tls_records import MAX_HANDSHAKE, RecordBudget, TlsFlood

SLICE, MIN_SLICE = 1024, 128
"""Bytes that are read in one turn of the event loop from one connection: the fewer, the longer they
take to handle."""
MAX_SLICE_SECONDS = 0.00025
"""CPU for them: chunks of a byte take ten times as long as a header."""

# Bytes stay in it until the end of the turn in which they came, so that one is enough for all.
_buffer = memoryview(bytearray(SLICE))


class _InPlaceOf(asyncio.BufferedProtocol):
    """Takes the place of a transport's protocol: all but what it reads goes on to that."""

    def __init__(self, inner: asyncio.Protocol | asyncio.BufferedProtocol) -> None:
        self._other = inner

    def eof_received(self) -> bool | None:
        """The other side sends no more."""
        return self._other.eof_received()

    def pause_writing(self) -> None:
        """The reader is slow."""
        self._other.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._other.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """It was closed, by either side."""
        self._other.connection_lost(error)


class SliceSize:
    """How many bytes of one connection are handled at once: as many as take little CPU.

    ``clock`` are seconds of CPU: whoever else has the processor is no reason for smaller slices.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock, self._began = clock, 0.0
        self.bytes = SLICE

    def begin(self) -> None:
        """A slice is going to be handled."""
        self._began = self._clock()

    def end(self) -> None:
        """It has been."""
        if self._clock() - self._began > MAX_SLICE_SECONDS:
            self.bytes = max(MIN_SLICE, self.bytes // 2)
        else:
            self.bytes = min(SLICE, self.bytes * 2)


class SlicedReads(_InPlaceOf):
    """Hands slices over to the protocol."""

    def __init__(self, inner: asyncio.Protocol, size: SliceSize | None = None) -> None:
        super().__init__(inner)
        self._inner, self._size = inner, size or SliceSize()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next slice is put."""
        return _buffer[: self._size.bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """A slice came."""
        self._size.begin()
        self._inner.data_received(bytes(_buffer[:nbytes]))
        self._size.end()


class TlsReads(_InPlaceOf):
    """The same below asyncio's TLS, which ``inner`` is; whoever sends records without content
    (key updates, requests to renegotiate, empty records, a handshake without end) is ``flooding``.
    """

    def __init__(
        self,
        inner: asyncio.BufferedProtocol,
        flooding: Callable[[], None],
        size: SliceSize | None = None,
    ) -> None:
        super().__init__(inner)
        self._inner, self._flooding, self._size = inner, flooding, size or SliceSize()
        self._budget = RecordBudget()
        self._handshake: int | None = 0
        self._view = _buffer

    def begin(self) -> None:
        """The handshake is over."""
        self._handshake = None
        self._budget.begin()

    def credit(self, length: int) -> None:
        """So many bytes of content came."""
        self._budget.credit(length)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next slice is put."""
        self._view = memoryview(self._inner.get_buffer(SLICE))[: self._size.bytes]
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """A slice came."""
        self._budget.consume(self._view[:nbytes])
        # One handshake takes a millisecond, however little comes of it.
        self._size.begin()
        self._inner.buffer_updated(nbytes)
        if self._handshake is None:
            self._size.end()
        if self._handshake is not None:
            self._handshake += nbytes
            if self._handshake > MAX_HANDSHAKE:
                self._flooding()
            return
        try:
            self._budget.check()
        except TlsFlood:
            self._flooding()
