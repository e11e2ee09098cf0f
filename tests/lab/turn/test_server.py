"""The lab's TURN server relays over UDP, TCP and TLS, and leaves nothing when it stops."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator

import pytest
from aioice.stun import Method

from probe.lab.certificates import Authority
from probe.lab.turn.server import LabTurnServer
from tests.lab.turn import raw_turn
from tests.lab.turn.aioice_client import endpoint
from tests.lab.turn.raw_turn import code_of, data_of, hang_up, plain, raw, running, until

TRANSPORTS = ["udp", "tcp", "tls"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority) -> ssl.SSLContext:
    return authority.client_context()


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[LabTurnServer]:
    async with running(tls=authority.issue(["127.0.0.1"])) as server:
        yield server


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_binding_reports_the_clients_address(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    async with raw(server, transport, trust=trust) as client:
        answer = await client.exchange(plain(Method.BINDING))
        host, port = answer.attributes["XOR-MAPPED-ADDRESS"]
    assert host == "127.0.0.1"
    assert port not in (0, server.udp_port, server.tcp_port, server.tls_port)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_library_client_reaches_a_peer_and_is_reached(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    """Sizes that need padding, and data both ways, for two peers of one client."""
    async with (
        raw_turn.peer() as one,
        raw_turn.peer() as two,
        endpoint(server, transport, trust=trust) as client,
    ):
        for peer in (one, two):
            for size in (1, 2, 3, 4, 1200):
                client.send(bytes(size), peer.address)
                assert await peer.receive() == (bytes(size), client.address)
                peer.send(b"x" * size, client.address)
                assert await client.receive() == (b"x" * size, peer.address)
        assert server.allocations == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_closing_a_library_client_deletes_its_allocation(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    async with endpoint(server, transport, trust=trust):
        assert server.allocations == 1
    assert server.allocations == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_two_allocations_reach_each_other(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    async with (
        endpoint(server, transport, trust=trust) as one,
        endpoint(server, "udp") as two,
    ):
        # Each first packet opens its sender's permission; the echo shows both are open.
        two.send(b"", one.address)
        while one.arrived.empty():
            one.send(b"", two.address)
            two.send(b"there", one.address)
            await asyncio.sleep(0.005)
        assert (await one.receive())[1] == two.address


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_indications_carry_data_both_ways(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    async with raw_turn.peer() as peer, raw(server, transport, trust=trust) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        client.send_indication(b"hello", peer.address)
        assert await peer.receive() == (b"hello", relayed)
        peer.send(b"back", relayed)
        assert data_of(await client.receive()) == (b"back", peer.address)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_data_without_permission_is_dropped_both_ways(
    server: LabTurnServer, trust: ssl.SSLContext, transport: str
) -> None:
    async with raw_turn.peer() as peer, raw(server, transport, trust=trust) as client:
        relayed = await client.allocate()
        client.send_indication(b"too early", peer.address)
        peer.send(b"too early", relayed)
        await client.ping()
        await client.permit(peer.address)
        client.send_indication(b"allowed", peer.address)
        assert await peer.receive() == (b"allowed", relayed)
        peer.send(b"allowed", relayed)
        assert data_of(await client.receive()) == (b"allowed", peer.address)


async def test_dropped_allocations_are_unknown_from_then_on(server: LabTurnServer) -> None:
    async with raw(server) as client, raw(server, "tcp") as other:
        await client.allocate()
        await other.allocate()
        server.drop_allocations()
        assert server.allocations == 0
        assert code_of(await client.ask(Method.REFRESH, LIFETIME=600)) == 437
        assert code_of(await other.ask(Method.REFRESH, LIFETIME=600)) == 437
        await client.allocate()


async def test_a_lost_connection_ends_its_allocation(server: LabTurnServer) -> None:
    async with raw(server, "tcp") as client:
        await client.allocate()
    await until(lambda: not server.allocations)


async def test_urls_name_the_ports(server: LabTurnServer) -> None:
    assert server.urls() == [
        f"turn:127.0.0.1:{server.udp_port}?transport=udp",
        f"turn:127.0.0.1:{server.tcp_port}?transport=tcp",
        f"turns:127.0.0.1:{server.tls_port}?transport=tcp",
    ]
    async with running() as without:
        assert without.tls_port is None
        assert [url.partition(":")[0] for url in without.urls()] == ["turn", "turn"]


async def test_a_server_listens_where_it_is_configured_to() -> None:
    async with running(host="127.0.0.2") as server, endpoint(server) as client:
        assert client.address[0] == "127.0.0.2"
        assert server.urls()[0].startswith("turn:127.0.0.2:")
    with pytest.raises(ValueError, match="localhost"):
        LabTurnServer(host="localhost")


async def test_a_server_that_is_started_again_keeps_its_ports(server: LabTurnServer) -> None:
    urls = server.urls()
    async with raw(server) as client:
        await client.allocate()
        await server.stop()
        await server.start()
        assert server.urls() == urls
        assert code_of(await client.ask(Method.REFRESH)) == 437
        await client.allocate()


async def test_a_taken_port_leaves_nothing_open(server: LabTurnServer) -> None:
    before = len(os.listdir("/dev/fd"))
    second = LabTurnServer(tcp_port=server.tcp_port)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    assert len(os.listdir("/dev/fd")) == before
    with pytest.raises(RuntimeError):
        await server.start()


@pytest.mark.parametrize("delay", [0.0, 60.0])
async def test_stopping_leaves_no_task_and_no_descriptor(
    authority: Authority, trust: ssl.SSLContext, delay: float
) -> None:
    """With clients on every port, some of them in the middle of something."""
    tls = authority.issue(["127.0.0.1"])
    descriptors, tasks = len(os.listdir("/dev/fd")), len(asyncio.all_tasks())
    server = LabTurnServer(users=raw_turn.USERS, tls=tls)
    await server.start()
    async with (
        raw(server) as udp,
        raw(server, "tcp") as tcp,
        raw(server, "tls", trust=trust) as encrypted,
    ):
        for client in (udp, tcp, encrypted):
            await client.allocate()
        server.knobs.delay = delay
        tcp.send(b"\x00\x01\x00")
        udp.send(bytes(plain(Method.BINDING)))
        _, unfinished = await asyncio.open_connection(server.host, server.tls_port)
        # Two tasks accept, one is in the handshake that the client doesn't begin.
        await until(lambda: len(asyncio.all_tasks()) == tasks + 3)
        await server.stop()
        await server.stop()
        assert len(asyncio.all_tasks()) == tasks
        assert server.allocations == 0
        await hang_up(unfinished)
    assert len(os.listdir("/dev/fd")) == descriptors
