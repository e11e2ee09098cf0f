"""A socket for asyncio's transports that reads in small slices."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import SOCK_STREAM
from socket import socket as Socket
from typing import TYPE_CHECKING

from probe.net.flow.pace import FIRST_SLICE, ReadPace
from probe.net.flow.tls_records import MAX_HANDSHAKE, RECORD_COST, HandshakeFlood, RecordBudget

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SlicedSocket(Socket):
    """Reads a slice at a time, whatever is asked for.

    asyncio asks for 256 KiB, and who sends so much without being asked would hold up everybody
    else on the loop. Beyond what ``bounded_handshake`` allows, reading raises HandshakeFlood, or
    RecordFlood behind it, and asyncio hands it to whoever waits.
    """

    transport: asyncio.Transport | None = None
    """What reads from it, below TLS, and rests where a slice takes long. One with TLS would go on
    to receive, and decrypt all of it at once."""

    def __init__(self, family: int) -> None:
        super().__init__(family, SOCK_STREAM)
        self._records: RecordBudget | None = None
        self._left: int | None = None
        self._pace, self._owed, self._is_full = ReadPace(), 0.0, False
        # A TLS record brings 16 KiB at once: what is in it has slices of its own.
        self._content_pace, self._rests_until = ReadPace(FIRST_SLICE // 2), 0.0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def bounded_handshake(self) -> Iterator[None]:
        """Count what comes meanwhile, and then what comes without content."""
        self._left, self._records = MAX_HANDSHAKE, RecordBudget()
        try:
            yield
        finally:
            self._left = None
            self._records.begin()

    @property
    def content_slice(self) -> int:
        """How many bytes of content to handle in one turn."""
        return self._content_pace.slice

    @contextmanager
    def handling(self, length: int) -> Iterator[None]:
        """So many bytes of content are handled inside."""
        is_full = length == self._content_pace.slice
        if self._records is not None:
            self._records.credit(length)
        began = time.thread_time()
        try:
            yield
        finally:
            busy = time.thread_time() - began
            self._rest(self._content_pace.charge(busy, is_full=is_full))

    def call_after_rest(self, callback: Callable[[], None]) -> None:
        """Call this in a later turn of the loop, and read nothing until then."""
        self._rest(0.0, at_least_a_turn=True)
        asyncio.get_running_loop().call_at(self._rests_until, callback)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive a little at a time."""
        size = min(size, self._size())
        data = super().recv(size, flags)
        self._count(data, size)
        return data

    def recv_into(self, buffer: "Buffer", nbytes: int = 0, flags: int = 0, /) -> int:
        """As ``recv``; this is what TLS reads by."""
        view = memoryview(buffer)
        size = min(nbytes or len(view), self._size())
        length = super().recv_into(buffer, size, flags)
        self._count(view[:length], size)
        return length

    def _size(self) -> int:
        """The bytes of the next slice. Raises RecordFlood."""
        if self._records is not None and self._left is None:
            self._records.check()
        owed, self._owed = self._owed, 0.0
        self._rest(self._pace.charge(owed, is_full=self._is_full))
        return self._pace.slice

    def _count(self, data: "Buffer", size: int) -> None:
        length = len(memoryview(data))
        self._is_full = length == size
        if self._left is not None:
            self._left -= length
            if self._left < 0:
                raise HandshakeFlood
        if self._records is not None:
            self._owed += RECORD_COST * self._records.consume(data)

    def _rest(self, pause: float, *, at_least_a_turn: bool = False) -> None:
        transport = self.transport
        if transport is None or transport.is_closing() or not (pause or at_least_a_turn):
            return
        loop = asyncio.get_running_loop()
        self._rests_until = max(self._rests_until, loop.time() + pause)
        transport.pause_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._rests_until, self._resume, transport)

    def _resume(self, transport: asyncio.Transport) -> None:
        self._timer = None
        if not transport.is_closing():
            transport.resume_reading()


class ContentSlices:
    """What a socket's transport brings, handled a slice in each turn of the loop: a TLS record
    brings 16 KiB at once. ``handle`` takes the slices, and must not raise."""

    def __init__(self, sock: SlicedSocket, handle: Callable[[bytes], None]) -> None:
        self._socket, self._handle = sock, handle
        self._waiting = bytearray()

    def add(self, data: bytes) -> None:
        """Handle it after what came before."""
        was_waiting = bool(self._waiting)
        self._waiting += data
        if not was_waiting:
            self._continue()

    def finish(self) -> None:
        """Handle all that is left: no more comes."""
        while self._waiting:
            self._handle_slice()

    def clear(self) -> None:
        """Drop what is left."""
        self._waiting.clear()

    def _continue(self) -> None:
        if self._waiting:
            self._handle_slice()
        if self._waiting:
            self._socket.call_after_rest(self._continue)

    def _handle_slice(self) -> None:
        piece = bytes(self._waiting[: self._socket.content_slice])
        del self._waiting[: len(piece)]
        with self._socket.handling(len(piece)):
            self._handle(piece)
