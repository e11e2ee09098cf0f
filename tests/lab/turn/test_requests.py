"""The lab's TURN server answers requests as RFC 8656 asks."""

import socket

import pytest
from aioice import stun
from aioice.stun import Method

from probe.lab.turn.server import LabTurnServer
from tests.lab.turn import raw_turn
from tests.lab.turn.raw_turn import (
    REALM,
    UDP,
    USER,
    Clock,
    RawClient,
    code_of,
    data_of,
    is_signed,
    plain,
    raw,
)

ELSEWHERE = ("127.0.0.1", 9)


async def allocate_with(client: RawClient, kind: int, value: bytes) -> bytes:
    """The answer to an Allocate with an attribute that aioice doesn't know."""
    await client.challenged()
    message = plain(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
    message.attributes |= {"USERNAME": USER, "REALM": REALM, "NONCE": client.nonce}
    attribute = bytes([0, kind, 0, len(value)]) + value
    packet = bytes(message) + attribute + bytes(stun.padding_length(len(attribute)))
    packet = stun.set_body_length(packet, len(packet) - stun.HEADER_LENGTH + 24)
    client.send(packet + b"\x00\x08\x00\x14" + stun.message_integrity(packet, client.key))
    return await client.receive()


async def test_a_permission_is_for_one_address_and_ends(
    server: LabTurnServer, clock: Clock
) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        relayed = await client.allocate()
        await client.permit(("127.0.0.2", peer.address[1]))
        client.send_indication(b"for another", peer.address)
        await client.permit(peer.address)
        clock.now += 299
        client.send_indication(b"in time", peer.address)
        assert (await peer.receive())[0] == b"in time"
        clock.now += 1
        client.send_indication(b"too late", peer.address)
        peer.send(b"too late", relayed)
        await client.ping()
        await client.permit(peer.address)
        client.send_indication(b"again", peer.address)
        assert (await peer.receive())[0] == b"again"


async def test_one_request_permits_several_peers(server: LabTurnServer) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        await client.allocate()
        message = plain(Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=("127.0.0.2", 9))
        message.attributes |= {"USERNAME": USER, "REALM": REALM, "NONCE": client.nonce}
        # aioice has room for one peer only, so the other is put in by hand.
        first = stun.pack_xor_address(peer.address, message.transaction_id)
        body = b"\x00\x12\x00\x08" + first + bytes(message)[stun.HEADER_LENGTH :]
        packet = stun.set_body_length(bytes(message)[: stun.HEADER_LENGTH] + body, len(body) + 24)
        packet += b"\x00\x08\x00\x14" + stun.message_integrity(packet, client.key)
        client.send(packet)
        assert code_of(stun.parse_message(await client.receive())) is None
        client.send_indication(b"both", peer.address)
        assert (await peer.receive())[0] == b"both"


async def test_a_channel_carries_data_and_ends(server: LabTurnServer, clock: Clock) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        relayed = await client.allocate()
        bind = {"CHANNEL_NUMBER": 0x4001, "XOR_PEER_ADDRESS": peer.address}
        assert code_of(await client.ask(Method.CHANNEL_BIND, **bind)) is None
        client.send(b"\x40\x01\x00\x03abc")
        assert await peer.receive() == (b"abc", relayed)
        peer.send(b"xyz", relayed)
        assert await client.receive() == b"\x40\x01\x00\x03xyz"
        await client.ask(Method.REFRESH, LIFETIME=3600)
        clock.now += 600
        await client.permit(peer.address)
        client.send(b"\x40\x01\x00\x03old")
        peer.send(b"plain", relayed)
        assert data_of(await client.receive()) == (b"plain", peer.address)
        assert peer.arrived.empty()


async def test_a_channel_and_a_peer_belong_to_each_other(
    server: LabTurnServer, clock: Clock
) -> None:
    """RFC 8656 section 12.2: bound otherwise is a 400, the same again a refresh."""

    async def bind(number: int, port: int) -> int | None:
        peer = ("127.0.0.1", port)
        return code_of(
            await client.ask(Method.CHANNEL_BIND, CHANNEL_NUMBER=number, XOR_PEER_ADDRESS=peer)
        )

    async with raw(server) as client:
        await client.allocate()
        await client.ask(Method.REFRESH, LIFETIME=3600)
        assert await bind(0x4000, 7) is None
        assert await bind(0x4000, 7) is None
        assert await bind(0x4000, 8) == 400
        assert await bind(0x4001, 7) == 400
        assert await bind(0x3FFF, 9) == 400
        assert await bind(0x5000, 9) == 400
        clock.now += 601
        assert await bind(0x4000, 8) is None
        assert await bind(0x4001, 7) is None


async def test_lifetimes_are_kept_between_ten_minutes_and_an_hour(server: LabTurnServer) -> None:
    async with raw(server) as client:
        await client.challenged()
        asked = {"REQUESTED_TRANSPORT": UDP, "LIFETIME": 1}
        answer = await client.ask(Method.ALLOCATE, **asked)
        assert answer.attributes["LIFETIME"] == 600
        for seconds, granted in [(1200, 1200), (10**9, 3600), (1, 600), (0, 0)]:
            answer = await client.ask(Method.REFRESH, LIFETIME=seconds)
            assert answer.attributes["LIFETIME"] == granted
        assert server.allocations == 0
        assert code_of(await client.ask(Method.REFRESH)) == 437


async def test_an_allocation_ends_unless_it_is_refreshed(
    server: LabTurnServer, clock: Clock
) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        clock.now += 599
        assert code_of(await client.ask(Method.REFRESH, LIFETIME=600)) is None
        clock.now += 599
        assert server.allocations == 1
        clock.now += 1
        peer.send(b"too late", relayed)
        assert code_of(await client.ask(Method.REFRESH, LIFETIME=600)) == 437
        assert server.allocations == 0


async def test_a_relayed_socket_is_closed_when_its_allocation_has_ended(
    server: LabTurnServer, clock: Clock
) -> None:
    async with raw(server) as client:
        relayed = await client.allocate()
        clock.now += 600
        assert server.allocations == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(relayed)


async def test_a_retransmitted_allocate_gets_the_same_answer(server: LabTurnServer) -> None:
    async with raw(server) as client:
        await client.challenged()
        request = client.signed(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
        client.send(bytes(request))
        client.send(bytes(request))
        assert await client.receive() == await client.receive()
        assert server.allocations == 1
        assert code_of(await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) == 437


@pytest.mark.parametrize("method", [Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND])
async def test_requests_without_allocation_are_a_mismatch(
    server: LabTurnServer, method: Method
) -> None:
    async with raw(server) as client:
        await client.challenged()
        answer = await client.ask(method, XOR_PEER_ADDRESS=ELSEWHERE, CHANNEL_NUMBER=0x4000)
        assert code_of(answer) == 437


async def test_requests_of_the_wrong_shape_get_their_code(server: LabTurnServer) -> None:
    async with raw(server) as client:
        await client.challenged()
        assert code_of(await client.ask(Method.ALLOCATE)) == 400
        assert code_of(await client.ask(Method.ALLOCATE, REQUESTED_TRANSPORT=6 << 24)) == 442
        assert code_of(await client.ask(Method.SEND)) == 400
        await client.allocate()
        ipv6 = {"XOR_PEER_ADDRESS": ("::1", 9)}
        assert code_of(await client.ask(Method.CREATE_PERMISSION)) == 400
        assert code_of(await client.ask(Method.CREATE_PERMISSION, **ipv6)) == 443
        assert code_of(await client.ask(Method.CHANNEL_BIND, CHANNEL_NUMBER=0x4000)) == 400
        assert code_of(await client.ask(Method.CHANNEL_BIND, XOR_PEER_ADDRESS=ELSEWHERE)) == 400


@pytest.mark.parametrize(
    ("kind", "value", "code"), [(0x17, b"\x02", 440), (0x18, b"\x80", 508), (0x1A, b"", 420)]
)
async def test_what_the_server_does_not_know_is_named(
    server: LabTurnServer, kind: int, value: bytes, code: int
) -> None:
    """An IPv6 relay, a reserved port, DONT-FRAGMENT: aioice has no words for these."""
    async with raw(server) as client:
        answer = await allocate_with(client, kind, value)
        parsed = stun.parse_message(answer)
        assert code_of(parsed) == code
        assert is_signed(answer, client.key)
        assert (b"\x00\x0a\x00\x02" + bytes([0, kind]) in answer) is (code == 420)


async def test_an_even_port_is_even(server: LabTurnServer) -> None:
    for _ in range(4):
        async with raw(server) as client:
            answer = stun.parse_message(await allocate_with(client, 0x18, b"\x00"))
            assert answer.attributes["XOR-RELAYED-ADDRESS"][1] % 2 == 0
