"""The sockets of the TURN server, and the clients behind them."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from probe.lab.turn.delay_queue import Flow
from probe.lab.turn.message import Address, LabFramer

_MAX_DATAGRAM = 65535
_RECEIVE_BUFFER = 256 * 1024
# A reader this slow loses packets, as it would on UDP, instead of filling the memory.
_MAX_UNSENT = 1024 * 1024


class Client(Protocol):
    """One client's end of a 5-tuple (RFC 8656 section 3.2)."""

    address: Address
    padded: bool
    """Whether ChannelData to this client is padded to 4 bytes."""
    is_gone: bool
    """Whether its connection is lost: what it asked for has nowhere to go then."""
    inbound: Flow
    outbound: Flow

    def write(self, data: bytes) -> None:
        """Send one message now, or lose it."""


class UdpSocket:
    """A bound UDP socket that never waits: what can't be sent at once is lost.

    A plain reader instead of an asyncio endpoint: binding and closing are done when the
    call returns, so a request is answered in one go. Raises ``OSError`` if it can't bind.
    """

    def __init__(self, host: str, port: int, received: Callable[[bytes, Address], None]) -> None:
        self._received = received
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.address: Address = self._socket.getsockname()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes, to: Address) -> None:
        """Send a datagram; full buffers and unreachable addresses lose it, as networks do."""
        with suppress(OSError):
            self._socket.sendto(data, to)

    def close(self) -> None:
        """Close at once. Closing again does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        try:
            data, source = self._socket.recvfrom(_MAX_DATAGRAM)
        except OSError:
            return
        self._received(data, source)


class UdpClient:
    """A client that sends datagrams from one address."""

    padded = False
    is_gone = False

    def __init__(self, server: UdpSocket, address: Address) -> None:
        self._server, self.address = server, address
        self.inbound, self.outbound = Flow(), Flow()

    def write(self, data: bytes) -> None:
        """Send one message now, or lose it."""
        self._server.send(data, self.address)


class Connection(asyncio.Protocol):
    """An accepted TCP or TLS connection; on its own it only reads and forgets.

    ``connections`` holds it from the end of the handshake until it is lost.
    """

    def __init__(self, connections: set["Connection"]) -> None:
        self._connections = connections
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if not self.lost.done():
            self.lost.set_result(None)


class StreamClient(Connection):
    """A client on a TCP or TLS connection."""

    padded = True

    def __init__(
        self,
        connections: set[Connection],
        *,
        made: Callable[["StreamClient"], None],
        received: Callable[["StreamClient", bytes], None],
        gone: Callable[["StreamClient"], None],
    ) -> None:
        super().__init__(connections)
        self._made, self._received, self._gone = made, received, gone
        self._framer = LabFramer()
        self.is_gone = False
        self.address: Address = ("0.0.0.0", 0)
        self.inbound, self.outbound = Flow(), Flow()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # None if the client has hung up before it is looked at.
        self.address = transport.get_extra_info("peername") or self.address
        self._made(self)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._framer.feed(data):
                self._received(self, packet)
        except ValueError:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.is_gone = True
        self._gone(self)

    def write(self, data: bytes) -> None:
        """Send one message now, or lose it."""
        unsent = self.transport.get_write_buffer_size()
        if not self.transport.is_closing() and unsent < _MAX_UNSENT:
            self.transport.write(data)
