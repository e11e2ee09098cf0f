"""A TCP socket that asyncio reads in small slices, and whose TLS handshake is bounded."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

MOST_READ = 8192
"""Bytes of a stream that are handled in one turn of the loop."""
MOST_HANDSHAKE = 256 << 10
"""Bytes that a server may send until a TLS handshake is over: OpenSSL takes 100 KiB of
certificates, and every warning and HelloRequest for as long as they come."""


class HandshakeFlood(ConnectionAbortedError):
    """The server sends more than MOST_HANDSHAKE bytes of a handshake."""

    detail = f"sends more than {MOST_HANDSHAKE >> 10} KiB and no end of the TLS handshake"


class SlicedSocket(socket.socket):
    """Reads at most MOST_READ bytes at a time, whatever is asked for.

    asyncio asks for 256 KiB, and who sends so much without being asked would hold up everybody
    else on the loop. ``begin_handshake`` bounds what comes until ``end_handshake``: beyond it
    HandshakeFlood is raised, which asyncio hands to whoever waits.
    """

    _left: int | None = None

    def begin_handshake(self) -> None:
        """Count from here on."""
        self._left = MOST_HANDSHAKE

    def end_handshake(self) -> None:
        """Count no more."""
        self._left = None

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive a little at a time."""
        data = super().recv(min(size, MOST_READ), flags)
        self._count(len(data))
        return data

    def recv_into(self, buffer: "Buffer", nbytes: int = 0, flags: int = 0, /) -> int:
        """As ``recv``; this is what TLS reads by."""
        size = min(nbytes or len(memoryview(buffer)), MOST_READ)
        length = super().recv_into(buffer, size, flags)
        self._count(length)
        return length

    def _count(self, length: int) -> None:
        if self._left is not None:
            self._left -= length
            if self._left < 0:
                raise HandshakeFlood
