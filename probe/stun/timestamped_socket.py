"""A UDP socket that knows when each datagram reached this machine, however late it is read."""

import socket
import struct
import sys
import time
from contextlib import suppress
from typing import Any

from probe.net.resolver import Address

# socket(7); Python has no name for it. The kernel adds a timespec to each datagram.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
# A longer wait is a wall clock that was set in between.
_MAX_WAIT = 5.0
# Both clocks are read within so many seconds, or once more, at most so many times: a process that
# loses its core in between would see an arrival too early.
_AT_ONCE, _READINGS = 0.001, 3


class TimestampedSocket(socket.socket):
    """``arrived`` is when the last datagram that was read reached the kernel, in seconds of
    ``time.monotonic``; where the system takes no timestamps, when it was read."""

    def __init__(self, family: int) -> None:
        super().__init__(family, socket.SOCK_DGRAM)
        self.arrived = 0.0
        if sys.platform == "linux":
            with suppress(OSError):
                self.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """As ``socket.recvfrom``; this is what asyncio reads datagrams by."""
        space = socket.CMSG_SPACE(_TIMESPEC.size)
        data, ancillary, _, sender = self.recvmsg(bufsize, space, flags)
        self.arrived = _arrived(ancillary)
        return data, sender


def connected_socket(address: Address) -> TimestampedSocket:
    """A socket that takes datagrams of this address alone. Raises OSError."""
    sock = TimestampedSocket(address.family)
    try:
        sock.setblocking(False)
        sock.connect((address.ip, address.port))
        sock.getpeername()  # port 0 is no error before
    except OSError:
        sock.close()
        raise
    return sock


def _arrived(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When a datagram that was read now reached the kernel, in seconds of ``time.monotonic``."""
    for _ in range(_READINGS):
        read = time.monotonic()
        arrived = read - _waited(ancillary)
        if time.monotonic() - read < _AT_ONCE:
            break
    return arrived


def _waited(ancillary: list[tuple[int, int, bytes]]) -> float:
    """For how many seconds a datagram has waited to be read; 0 where that isn't known."""
    for level, kind, value in ancillary:
        if (level, kind, len(value)) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIMESPEC.size):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            waited = float(time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)) / 1e9
            return waited if 0 <= waited <= _MAX_WAIT else 0.0
    return 0.0
