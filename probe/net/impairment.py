"""A network that is lost for a while, on our own side: forwarders that drop what comes.

They are between a client of ours and its target, on loopback, and touch nothing of the
host's network. UDP is dropped. TCP can't be dropped from outside the kernel, so what
comes during a loss is held back until the moment in which TCP would have sent it again
(RFC 6298 section 5): the first time after the timeout that the kernel has for the connection
to the target (0.2 s and a round trip on Linux), or 1 s for a connection that is being opened,
then after twice as long each time.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from probe.net.resolver import Address

# Seconds, Linux' TCP_RTO_MIN, RFC 6298 section 2.1, Linux' TCP_RTO_MAX.
DATA_RTO, OPENING_RTO, MAX_RTO = 0.2, 1.0, 120.0
_CHUNK = 65_536
# linux/tcp.h's struct tcp_info begins with eight bytes, and the timeout in microseconds.
_TCPI_RTO = struct.Struct("=8xI")
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

Where = tuple[str, int]


class Impairment:
    """Whether anything passes. ``began`` and ``ended`` are on ``clock``, None before."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.began: float | None = None
        self.ended: float | None = None
        self._passes = asyncio.Event()
        self._passes.set()

    @property
    def passes(self) -> bool:
        """Whether a packet that comes now gets through."""
        return self._passes.is_set()

    async def block_for(self, seconds: float) -> None:
        """Lose everything for so long."""
        self.began = self.clock()
        self._passes.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.ended = self.clock()
            self._passes.set()

    async def wait_until_open(self, rto: float = DATA_RTO) -> None:
        """Return when what TCP sends now arrives: at once, or sent again after the loss."""
        if self.passes:
            return
        left = self.clock()
        await self._passes.wait()
        assert self.ended is not None
        await asyncio.sleep(max(0.0, next_retransmission(left, self.ended, rto) - self.clock()))


def next_retransmission(left: float, ended: float, rto: float) -> float:
    """When TCP repeats what it sent at ``left``, for the first time after ``ended``."""
    moment = left
    while moment < ended:
        moment += rto
        rto = min(2 * rto, MAX_RTO)
    return moment


def rto_of(connection: socket.socket) -> float:
    """The timeout of a TCP connection in seconds, as the kernel has it (tcp(7)); where it
    doesn't report one, the shortest."""
    with suppress(OSError, AttributeError, struct.error):
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_RTO.size)
        microseconds: int = _TCPI_RTO.unpack(info)[0]
        return max(DATA_RTO, microseconds / 1e6)
    return DATA_RTO


class RedirectedSocket(socket.socket):
    """A TCP socket that goes to a forwarder, whatever address it is given.

    So names, certificates and headers stay the target's.
    """

    def __init__(self, family: int, where: Where) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._where = where

    def connect(self, _: object) -> None:
        """Connect to the forwarder."""
        super().connect(self._where)


class TcpForwarder:
    """Leads connections from loopback to a target. ``async with``, so that all are closed."""

    def __init__(self, target: Address, outage: Impairment) -> None:
        self._target, self._outage = target, outage
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._where: dict[int, Where] = {}

    @property
    def address(self) -> Address:
        """Where it listens, of the target's family."""
        return Address(*self._where[self._target.family], self._target.family)

    async def __aenter__(self) -> "TcpForwarder":
        for family, host in _LOOPBACK.items():
            with suppress(OSError):  # a machine may have no IPv6
                server = await asyncio.start_server(self._accept, host, 0)
                self._servers.append(server)
                self._where[family] = server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        # What each has opened it closes itself, whether or not we get to see it.
        await asyncio.gather(*tasks, return_exceptions=True)

    def socket(self, family: int) -> socket.socket:
        """A socket that connects here whatever its address."""
        return RedirectedSocket(family, self._where[family])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, writer))

    def _ended(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # perhaps before its first step
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        try:
            await self._outage.wait_until_open(OPENING_RTO)
            back, there = await asyncio.open_connection(self._target.ip, self._target.port)
            rto = rto_of(there.get_extra_info("socket"))
            await asyncio.gather(self._pipe(reader, there, rto), self._pipe(back, writer, rto))
        except BaseException as error:
            if there is not None:
                there.transport.abort()
            writer.transport.abort()
            if not isinstance(error, OSError):
                raise

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rto: float
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._outage.wait_until_open(rto)
                writer.write(data)
                await writer.drain()
            await self._outage.wait_until_open(rto)  # the closing packets are lost as well
        writer.close()


class UdpForwarder:
    """Leads datagrams from loopback to a target and back, for any number of clients."""

    def __init__(self, target: Address, outage: Impairment) -> None:
        self._target, self._outage = target, outage
        self._here: asyncio.DatagramTransport | None = None
        self._there: dict[Where, asyncio.DatagramTransport] = {}
        self._opening: dict[Where, asyncio.Task[None]] = {}
        self._closed = False
        self.address = target

    async def __aenter__(self) -> "UdpForwarder":
        loop = asyncio.get_running_loop()
        here, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._from_client), local_addr=(_LOOPBACK[socket.AF_INET], 0)
        )
        self._here = here
        host, port = here.get_extra_info("sockname")[:2]
        self.address = Address(host, port, socket.AF_INET)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        tasks = list(self._opening.values())
        for task in tasks:
            task.cancel()
        for transport in (self._here, *self._there.values()):
            if transport is not None:
                transport.abort()
        # Last: who is cancelled while it waits has nothing left to close.
        await asyncio.gather(*tasks, return_exceptions=True)

    def _from_client(self, data: bytes, client: Where) -> None:
        if not self._outage.passes:
            return
        there = self._there.get(client)
        if there is not None:
            there.sendto(data)
        elif client not in self._opening:
            self._opening[client] = asyncio.create_task(self._open(client, data))

    async def _open(self, client: Where, first: bytes) -> None:
        loop = asyncio.get_running_loop()

        def from_target(data: bytes, _: object) -> None:
            if self._outage.passes and self._here is not None:
                self._here.sendto(data, client)

        there, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(from_target), remote_addr=(self._target.ip, self._target.port)
        )
        if self._closed:
            there.abort()
            return
        self._there[client] = there
        there.sendto(first)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Any], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(data, addr[:2])
