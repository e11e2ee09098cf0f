"""A lost network on our own side: what is dropped, what is held back, and what is left."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from probe.net.http import fresh_client, read_bounded
from probe.net.impairment import (
    DATA_RTO,
    Impairment,
    TcpForwarder,
    UdpForwarder,
    next_retransmission,
    rto_of,
)
from probe.net.resolver import Address

HOST = "127.0.0.1"


def _address(name: tuple[str, int]) -> Address:
    return Address(name[0], name[1], socket.AF_INET)


@pytest.mark.parametrize(
    ("left", "ended", "rto", "moment"),
    [
        (0.0, 0.1, 0.2, 0.2),
        (0.0, 3.0, 0.2, 3.0),
        (0.0, 3.1, 0.2, 6.2),
        (0.0, 40.0, 0.2, 51.0),
        (35.0, 40.0, 0.2, 41.2),
        # A connection that is being opened: 1, 3, 7, 15, 31 s.
        (0.0, 10.0, 1.0, 15.0),
        (0.0, 300.0, 60.0, 300.0),
        (0.0, 301.0, 60.0, 420.0),
    ],
)
def test_what_was_lost_is_sent_again_when_tcp_would(
    left: float, ended: float, rto: float, moment: float
) -> None:
    assert next_retransmission(left, ended, rto) == pytest.approx(moment)


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux'")
def test_tcps_timeout_is_the_kernels_own() -> None:
    with (
        socket.create_server((HOST, 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        # At least 0.2 s, and a round trip on loopback.
        assert DATA_RTO <= rto_of(connection) < 2 * DATA_RTO
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        assert rto_of(other) == DATA_RTO


@asynccontextmanager
async def echo_over_udp() -> AsyncIterator[Address]:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data, addr)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    yield _address(transport.get_extra_info("sockname"))
    transport.close()


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.back: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, _: object) -> None:
        self.back.put_nowait(data)


async def test_datagrams_are_dropped_while_it_lasts(leaks: None) -> None:
    outage, loop = Impairment(time.monotonic), asyncio.get_running_loop()
    async with echo_over_udp() as target, UdpForwarder(target, outage) as forwarder:
        clients = [
            await loop.create_datagram_endpoint(
                Client, remote_addr=(forwarder.address.ip, forwarder.address.port)
            )
            for _ in range(2)
        ]
        for number, (transport, client) in enumerate(clients):
            transport.sendto(b"%d" % number)
            assert await client.back.get() == b"%d" % number
        losing = asyncio.create_task(outage.block_for(0.2))
        await asyncio.sleep(0)
        assert not outage.passes
        clients[0][0].sendto(b"lost")
        await losing
        clients[0][0].sendto(b"after")
        assert await clients[0][1].back.get() == b"after"
        for transport, _ in clients:
            transport.close()


@asynccontextmanager
async def echo_over_tcp() -> AsyncIterator[Address]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    yield _address(server.sockets[0].getsockname())
    server.close()


async def test_a_stream_is_held_back_until_it_would_be_sent_again(leaks: None) -> None:
    outage = Impairment(time.monotonic)
    async with echo_over_tcp() as target, TcpForwarder(target, outage) as forwarder:
        address = forwarder.address
        reader, writer = await asyncio.open_connection(address.ip, address.port)
        losing = asyncio.create_task(outage.block_for(0.3))
        await asyncio.sleep(0)
        began = time.monotonic()
        writer.write(b"held")
        assert await reader.readexactly(4) == b"held"
        # Sent again after 0.2 s, which is lost too, and after 0.6 s.
        assert time.monotonic() - began >= 0.6
        await losing
        writer.close()
        await writer.wait_closed()


async def test_a_new_connection_waits_for_the_next_attempt_to_open_it(leaks: None) -> None:
    outage = Impairment(time.monotonic)
    async with echo_over_tcp() as target, TcpForwarder(target, outage) as forwarder:
        losing = asyncio.create_task(outage.block_for(0.1))
        await asyncio.sleep(0)
        began = time.monotonic()
        address = forwarder.address
        reader, writer = await asyncio.open_connection(address.ip, address.port)
        writer.write(b"x")
        await reader.readexactly(1)
        assert time.monotonic() - began >= 1.0
        await losing
        writer.close()
        await writer.wait_closed()


async def test_a_target_that_refuses_is_a_closed_connection(leaks: None) -> None:
    with socket.create_server((HOST, 0)) as closed:
        target = _address(closed.getsockname())
    async with TcpForwarder(target, Impairment(time.monotonic)) as forwarder:
        address = forwarder.address
        reader, writer = await asyncio.open_connection(address.ip, address.port)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_forwarders_that_end_in_the_middle_leave_nothing(leaks: None) -> None:
    outage = Impairment(time.monotonic)
    losing = asyncio.create_task(outage.block_for(60))
    await asyncio.sleep(0)
    async with echo_over_tcp() as target, TcpForwarder(target, outage) as forwarder:
        address = forwarder.address
        _, writer = await asyncio.open_connection(address.ip, address.port)
        writer.write(b"never arrives")
        await writer.drain()
    losing.cancel()
    writer.close()


async def test_a_browser_takes_the_detour_and_names_the_target(leaks: None) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    target = _address(server.sockets[0].getsockname())
    async with TcpForwarder(target, Impairment(time.monotonic)) as forwarder:
        browser = fresh_client(
            ca_file=None, clock=time.monotonic, host="localhost:1", detour=forwarder.socket
        )
        # Nothing listens at port 1: only the forwarder leads anywhere.
        async with browser as opened, opened.request("GET", "http://localhost:1/") as response:
            assert await read_bounded(response, 10) == b"ok"
    assert b"Host: localhost:1" in asked[0]
    server.close()
