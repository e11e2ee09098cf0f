"""Transports to a STUN or TURN server: a UDP socket, a TCP connection, TLS over one.

A transport carries whole messages; ``probe.stun.transport_errors`` makes errors causes.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from probe.core.model import CheckAborted

Phases = Callable[[str], AbstractContextManager[None]]
"""Times a phase by name, as ``Recorder.phase`` does."""


@contextmanager
def untimed(_: str) -> Iterator[None]:
    """Phases that are not timed."""
    yield


class Receiver(Protocol):
    """Receives what a transport brings. No method may raise."""

    def has_channel(self, number: int) -> bool:
        """Whether ChannelData may come with this number."""

    def message_received(self, frame: bytes) -> None:
        """One whole message, or whatever a datagram held."""

    def connection_lost(self, error: CheckAborted) -> None:
        """The connection is lost."""


class Transport(Protocol):
    """A connection to the server; ``reliable`` ones need no retransmission."""

    reliable: bool

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port, as this machine knows them."""

    @property
    def arrived(self) -> float:
        """When the last message reached this machine, in seconds of ``time.monotonic``."""

    def send(self, frame: bytes) -> None:
        """Send one whole message, or lose it."""

    def abort(self) -> None:
        """Close at once, without notice to the other side."""

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS session, once established."""


def local_address(transport: asyncio.BaseTransport | None) -> tuple[str, int]:
    """The address and port of a transport's socket; empty without one."""
    host, port = transport.get_extra_info("sockname")[:2] if transport else ("", 0)
    return str(host), int(port)
