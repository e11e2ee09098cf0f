"""A socket that reads in small slices, and how many bytes of TLS may come without content.

OpenSSL takes warnings, HelloRequests, certificates, KeyUpdates and session tickets for as long as
they come, and computes for each: whoever sends nothing else keeps it busy until the deadline.

TlsFlood (an OSError, so that asyncio hands it to whoever waits)
├── HandshakeFlood  more than MOST_HANDSHAKE bytes until a handshake is over
└── RecordFlood     more than a RecordBudget of records without content after it
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket as Socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

SLICE = 8192
"""Bytes of a stream that are handled in one turn of the loop."""
FREE_BYTES, LONG_SLICE, LONGEST_PAUSE = 16 << 10, 0.001, 0.03
"""Beyond so many bytes, a slice that takes so many seconds of CPU is followed by a pause of at most
so many: what an honest server sends takes a tenth of that."""
MOST_HANDSHAKE = 256 << 10
"""Bytes that a server may send until a TLS handshake is over: OpenSSL takes 100 KiB of
certificates."""
MOST_WITHOUT_CONTENT, FOR_ONE = 64 << 10, 64
"""Bytes that may come without content (a record has up to 16 KiB), and beside one of content: a
record of one byte has 29, two KeyUpdates (RFC 8446, 4.6.3) 54."""


class TlsFlood(ConnectionAbortedError):
    """``detail`` completes "host …", in the present tense."""

    detail = ""


class HandshakeFlood(TlsFlood):
    """The server sends more than MOST_HANDSHAKE bytes of a handshake."""

    detail = f"sends more than {MOST_HANDSHAKE >> 10} KiB and no end of the TLS handshake"


class RecordFlood(TlsFlood):
    """The server sends TLS records, and nothing is in them."""

    detail = "sends TLS records without end that hold no content"


class RecordBudget:
    """Bytes of TLS that may still come without content; content earns more of them."""

    def __init__(self, most: int = MOST_WITHOUT_CONTENT) -> None:
        self._most = self._left = most

    def spend(self, length: int) -> None:
        """So many bytes of TLS came. Raises RecordFlood."""
        self._left -= length
        if self._left < 0:
            raise RecordFlood

    def earn(self, length: int) -> None:
        """So many bytes of content were in them."""
        self._left = min(self._most, self._left + FOR_ONE * length)


def pause_after(received: int, busy: float) -> float:
    """Three times the seconds of CPU that a slice took, where it took long and is one of many: the
    other checks have three quarters of the loop whatever this one is sent."""
    if received < FREE_BYTES or busy <= LONG_SLICE:
        return 0.0
    return min(3 * busy, LONGEST_PAUSE)


class SlicedSocket(Socket):
    """Reads at most SLICE bytes at a time, whatever is asked for.

    asyncio asks for 256 KiB, and who sends so much without being asked would hold up everybody
    else on the loop. Beyond what ``bounded_handshake`` or ``records`` allow, reading raises
    HandshakeFlood or RecordFlood, and asyncio hands it to whoever waits.
    """

    records: RecordBudget | None = None
    """The budget of a TLS session, from its handshake on."""
    _left: int | None = None
    _handled = 0

    @contextmanager
    def bounded_handshake(self) -> Iterator[None]:
        """Count what comes meanwhile, and then what comes without content."""
        self._left = MOST_HANDSHAKE
        try:
            yield
        finally:
            self._left, self.records = None, RecordBudget()

    @contextmanager
    def handling(self, transport: asyncio.Transport | None, length: int) -> Iterator[None]:
        """So many bytes of content are handled inside; the transport reads no further for a while
        where that takes long."""
        if self.records is not None:
            self.records.earn(length)
        self._handled += length
        began = time.thread_time()
        try:
            yield
        finally:
            pause = pause_after(self._handled, time.thread_time() - began)
            if pause and transport is not None and not transport.is_closing():
                transport.pause_reading()
                asyncio.get_running_loop().call_later(pause, _resume, transport)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive a little at a time."""
        data = super().recv(min(size, SLICE), flags)
        self._count(len(data))
        return data

    def recv_into(self, buffer: "Buffer", nbytes: int = 0, flags: int = 0, /) -> int:
        """As ``recv``; this is what TLS reads by."""
        size = min(nbytes or len(memoryview(buffer)), SLICE)
        length = super().recv_into(buffer, size, flags)
        self._count(length)
        return length

    def _count(self, length: int) -> None:
        if self._left is not None:
            self._left -= length
            if self._left < 0:
                raise HandshakeFlood
        elif self.records is not None:
            self.records.spend(length)


def _resume(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()
