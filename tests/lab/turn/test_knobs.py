"""The lab's TURN server fails in every way its knobs offer, while it runs."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
from aioice import stun
from aioice.stun import Method

from probe.lab.certificates import Authority
from probe.lab.knobs import TurnKnobs
from probe.lab.turn.server import LabTurnServer
from tests.lab.turn import raw_turn
from tests.lab.turn.aioice_client import burst, endpoint, pair
from tests.lab.turn.raw_turn import PATIENCE, UDP, code_of, hang_up, plain, raw, running

PEER = ("127.0.0.1", 9)
TRANSPORTS = ["udp", "tcp"]


@pytest.fixture
async def server() -> AsyncIterator[LabTurnServer]:
    async with running() as server:
        yield server


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("code", [400, 401, 438, 486, 500, 508])
async def test_an_error_is_what_a_library_client_sees(
    server: LabTurnServer, transport: str, code: int
) -> None:
    server.knobs.error = code
    with pytest.raises(stun.TransactionFailed) as caught:
        async with endpoint(server, transport):
            pass
    assert caught.value.response.attributes["ERROR-CODE"][0] == code
    assert server.allocations == 0


@pytest.mark.parametrize("code", [400, 401, 486, 500, 508])
async def test_an_error_leaves_what_exists_alone(server: LabTurnServer, code: int) -> None:
    async with raw(server) as client, raw(server) as other:
        await client.challenged()
        request = client.signed(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
        await client.exchange(request)
        server.knobs.error = code
        assert code_of(await client.exchange(request)) is None
        await client.permit(PEER)
        assert code_of(await client.ask(Method.REFRESH, LIFETIME=0)) is None
        await other.challenged()
        assert code_of(await other.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) == code


async def test_a_stale_nonce_is_stale_for_every_request(server: LabTurnServer) -> None:
    async with raw(server) as client:
        await client.allocate()
        server.knobs.error = 438
        for method in (Method.ALLOCATE, Method.REFRESH, Method.CREATE_PERMISSION):
            for _ in range(3):
                answer = await client.ask(method, XOR_PEER_ADDRESS=PEER)
                assert code_of(answer) == 438
                client.nonce = answer.attributes["NONCE"]
        await client.ping()


async def test_forbidden_peers_leave_allocations_working(server: LabTurnServer) -> None:
    server.knobs.error = 403
    async with raw(server) as client, endpoint(server) as library:
        await client.allocate()
        bind = {"XOR_PEER_ADDRESS": PEER, "CHANNEL_NUMBER": 0x4000}
        assert code_of(await client.ask(Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=PEER)) == 403
        assert code_of(await client.ask(Method.CHANNEL_BIND, **bind)) == 403
        library.send(b"x", PEER)
        error = await asyncio.wait_for(library.errors.get(), PATIENCE)
        assert "403" in str(error)
        server.knobs.error = None
        await client.permit(PEER)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_silent_server_answers_and_relays_nothing(
    server: LabTurnServer, transport: str
) -> None:
    async with raw_turn.peer() as peer, raw(server, transport) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        server.knobs.silent = True
        client.send(bytes(plain(Method.BINDING)))
        client.send_indication(b"unheard", peer.address)
        peer.send(b"unheard", relayed)
        # A second server-side socket on the same loop: its answer comes after theirs would.
        async with running() as awake, raw(awake, transport) as other:
            await other.ping()
        server.knobs.silent = False
        await client.ping()
        client.send_indication(b"heard", peer.address)
        assert await peer.receive() == (b"heard", relayed)


async def test_connections_are_closed_once_they_are_open() -> None:
    authority = Authority()
    async with running(
        tls=authority.issue(["127.0.0.1"]), knobs=TurnKnobs(close_on_connect=True)
    ) as server:
        for port, trust in ((server.tcp_port, None), (server.tls_port, authority.client_context())):
            reader, writer = await asyncio.open_connection(server.host, port, ssl=trust)
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            await hang_up(writer)
        server.knobs.close_on_connect = False
        async with raw(server, "tcp") as client:
            await client.ping()


async def test_a_quota_counts_one_users_live_allocations() -> None:
    users = {"ann": "secret", "bob": "secret"}
    async with running(users=users, knobs=TurnKnobs(quota=1)) as server:
        async with endpoint(server), endpoint(server, username="bob"):
            with pytest.raises(stun.TransactionFailed, match="486"):
                async with endpoint(server, "tcp"):
                    pass
        async with endpoint(server, "tcp"):
            assert server.allocations == 1


async def test_another_relayed_address_is_advertised_with_the_real_port() -> None:
    async with (
        running(knobs=TurnKnobs(relayed_address="192.0.2.1")) as server,
        raw_turn.peer() as peer,
        endpoint(server) as one,
        endpoint(server) as two,
    ):
        assert (one.address[0], two.address[0]) == ("192.0.2.1", "192.0.2.1")
        one.send(b"nowhere", two.address)
        one.send(b"outside", peer.address)
        data, source = await peer.receive()
        assert (data, source) == (b"outside", ("127.0.0.1", one.address[1]))


async def test_allocations_are_forgotten_once_after_so_many_packets(server: LabTurnServer) -> None:
    async with pair(server) as (one, two):
        server.knobs.drop_after = 3
        assert await burst(one, two, 3) == [0, 1, 2]
        assert server.allocations == 0
        assert server.knobs == TurnKnobs()
    async with pair(server) as (one, two):
        assert await burst(one, two, 5) == list(range(5))
        assert server.allocations == 2


async def test_a_stalled_tls_port_connects_and_says_nothing() -> None:
    authority = Authority()
    trust = authority.client_context()
    async with running(
        tls=authority.issue(["127.0.0.1"]), knobs=TurnKnobs(tls_stall=True)
    ) as server:
        handshake = asyncio.create_task(
            asyncio.open_connection(server.host, server.tls_port, ssl=trust)
        )
        async with raw(server, "tcp") as client:
            await client.ping()
        assert not handshake.done()
        server.knobs.tls_stall = False
        async with raw(server, "tls", trust=trust) as client:
            await client.ping()
        assert not handshake.done()
        await server.stop()
        await asyncio.wait({handshake}, timeout=PATIENCE)
        assert isinstance(handshake.exception(), ConnectionError | ssl.SSLError)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_garbage_is_no_answer(server: LabTurnServer, transport: str) -> None:
    server.knobs.garbage = True
    async with raw_turn.peer() as peer, raw(server, transport) as client:
        client.send(bytes(plain(Method.BINDING)))
        if transport == "udp":
            with pytest.raises(ValueError, match="STUN"):
                stun.parse_message(await client.receive())
        server.knobs.garbage = False
        async with raw(server, transport) as other:
            await other.allocate()
            await other.permit(peer.address)
