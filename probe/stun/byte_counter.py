"""Bytes on the wire: what a provider counts, the headers of IP, UDP, TCP and TLS included.

A run says once whose bytes it uses (``count_bytes``); every transport opened in it, in
whatever task, adds to that count. So nothing that sends has to carry it along, and an
allocation that is deleted behind a finished run is counted too, with the next one.

What TCP and TLS put on the wire only the kernel knows: Linux reports it (``TCP_INFO``,
tcp(7)). Elsewhere only UDP is counted.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from probe.net.flow.sliced_socket import SlicedSocket

UDP_HEADER = 8
# With the time stamps (RFC 7323) that Linux puts into every segment.
TCP_HEADER = 32

# From linux/tcp.h's struct tcp_info: bytes received, segments out and in; bytes sent.
_RECEIVED, _SENT = struct.Struct("=QII"), struct.Struct("=Q")
_RECEIVED_AT, _SENT_AT, _INFO_BYTES = 128, 200, 256


@dataclass
class ByteCounter:
    """Bytes since the last ``drain``."""

    sent: int = 0
    received: int = 0

    def drain(self) -> "ByteCounter":
        """What was counted since the last time; the count begins anew."""
        taken = ByteCounter(self.sent, self.received)
        self.sent = self.received = 0
        return taken


_COUNT: ContextVar[ByteCounter | None] = ContextVar("traffic", default=None)


@contextmanager
def count_bytes(traffic: ByteCounter) -> Iterator[None]:
    """Transports opened inside, also in tasks that begin there, add to ``traffic``."""
    token = _COUNT.set(traffic)
    try:
        yield
    finally:
        _COUNT.reset(token)


def active_counter() -> ByteCounter:
    """The counter that a new transport adds to; a new one outside of ``count_bytes``."""
    return _COUNT.get() or ByteCounter()


def ip_header(family: int) -> int:
    """The bytes of an IP header without options (RFC 791, RFC 8200)."""
    return 40 if family == socket.AF_INET6 else 20


class CountedSocket(SlicedSocket):
    """A TCP socket that reports its bytes, at the latest when it is closed.

    Whoever takes it over, as asyncio does, closes this very object.
    """

    def __init__(self, family: int, traffic: ByteCounter) -> None:
        super().__init__(family)
        self._traffic, self._counted = traffic, ByteCounter()

    def count(self) -> None:
        """Add what has passed since the last time."""
        with suppress(OSError, AttributeError, struct.error):
            info = self.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
            received, segments_out, segments_in = _RECEIVED.unpack_from(info, _RECEIVED_AT)
            (sent,) = _SENT.unpack_from(info, _SENT_AT)
            header = ip_header(self.family) + TCP_HEADER
            now = ByteCounter(sent + segments_out * header, received + segments_in * header)
            self._traffic.sent += now.sent - self._counted.sent
            self._traffic.received += now.received - self._counted.received
            self._counted = now

    def close(self) -> None:
        """Close, and count the rest."""
        if self.fileno() >= 0:
            self.count()
        super().close()
