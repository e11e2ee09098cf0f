"""Nothing that a client sends harms the lab's TURN server; streams and waits keep order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aioice import stun
from aioice.stun import Method
from hypothesis import given
from hypothesis import strategies as st

from probe.lab.turn.delay_queue import DelayQueue, Flow
from probe.lab.turn.message import LabFramer, channel_data
from probe.lab.turn.server import LabTurnServer
from tests.lab.turn.raw_turn import PATIENCE, UDP, USER, RawClient, hang_up, plain, raw, running

PEER = ("127.0.0.1", 9)


@pytest.fixture
async def server() -> AsyncIterator[LabTurnServer]:
    """A server; the test fails if a callback of the loop raises."""
    raised: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    async with running() as server:
        yield server
    assert raised == []


def originals(client: RawClient) -> list[bytes]:
    """Messages of every kind, as a client with an allocation may send them."""
    send = stun.Message(Method.SEND, stun.Class.INDICATION)
    send.attributes |= {"XOR-PEER-ADDRESS": PEER, "DATA": b"data"}
    odd = stun.Message(Method.DATA, stun.Class.RESPONSE, attributes={"DATA": b""})
    long_name = plain(Method.ALLOCATE, USERNAME=USER, REALM="\u00e9" * 900, NONCE=bytes(900))
    bind = {"CHANNEL_NUMBER": 0x4000, "XOR_PEER_ADDRESS": PEER}
    signed = [
        client.signed(Method.ALLOCATE, REQUESTED_TRANSPORT=UDP),
        client.signed(Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=("::1", 9)),
        client.signed(Method.CHANNEL_BIND, **bind),
        client.signed(Method.REFRESH, LIFETIME=600),
        client.signed(Method.SHARED_SECRET),
    ]
    messages = [send, odd, long_name, plain(Method.BINDING), *signed]
    return [*map(bytes, messages), channel_data(0x4000, b"data", padded=True), bytes(60_000), b""]


def damaged(chance: random.Random, packet: bytes) -> bytes:
    """The packet with some bytes changed, and sometimes cut or with an end that is noise."""
    changed = bytearray(packet)
    for _ in range(chance.randrange(4)):
        if changed:
            changed[chance.randrange(min(len(changed), 64))] = chance.randrange(256)
    cut = chance.choice([len(changed), chance.randrange(len(changed) + 1)])
    return bytes(changed[:cut]) + chance.randbytes(chance.choice([0, 0, 4, 50]))


async def test_damaged_datagrams_are_survived(server: LabTurnServer) -> None:
    chance = random.Random(8656)
    async with raw(server) as client, raw(server) as witness:
        await client.allocate()
        await client.permit(PEER)
        messages = originals(client)
        for _ in range(2000):
            client.send(damaged(chance, chance.choice(messages)))
            await asyncio.sleep(0)
        await witness.ping()
        await witness.allocate()


async def test_damaged_streams_are_survived(server: LabTurnServer) -> None:
    chance = random.Random(8489)
    for _ in range(100):
        async with raw(server, "tcp") as client:
            await client.challenged()
            messages = originals(client)
            for _ in range(5):
                client.send(damaged(chance, chance.choice(messages)))
            await asyncio.sleep(0)
    async with raw(server, "tcp") as witness:
        await witness.allocate()


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01", b"\xff" * 4, bytes(8)])
async def test_a_stream_of_something_else_is_closed(server: LabTurnServer, first: bytes) -> None:
    """A TLS greeting, bits that no message begins with, a message without the cookie."""
    reader, writer = await asyncio.open_connection(server.host, server.tcp_port)
    writer.write(first)
    # An end or a reset: what was unread when the server closed decides.
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    await hang_up(writer)


async def test_a_packet_that_fits_into_no_indication_is_dropped(server: LabTurnServer) -> None:
    async with raw(server) as client, raw(server) as other:
        relayed = await client.allocate()
        peer = await other.allocate()
        await client.permit(peer)
        await other.permit(relayed)
        for size in (65_000, 65_400):
            other.send_indication(bytes(size), relayed)
        other.send_indication(b"small", relayed)
        sizes = [len(stun.parse_message(await client.receive()).attributes["DATA"])]
        while sizes[-1] != len(b"small"):
            sizes.append(len(stun.parse_message(await client.receive()).attributes["DATA"]))
        assert sizes == [65_000, len(b"small")]


FRAMES = [
    bytes(plain(Method.BINDING)),
    bytes(plain(Method.ALLOCATE, SOFTWARE="abc")),
    channel_data(0x4000, b"", padded=True),
    channel_data(0x4FFF, b"12345", padded=True),
]


@given(st.lists(st.sampled_from(FRAMES)), st.lists(st.integers(1, 40), min_size=1))
def test_however_a_stream_is_cut_its_messages_are_the_same(
    frames: list[bytes], sizes: list[int]
) -> None:
    stream, framer, found, position = b"".join(frames), LabFramer(), list[bytes](), 0
    while position < len(stream):
        size = sizes[len(found) % len(sizes)]
        found += framer.feed(stream[position : position + size])
        position += size
    assert found == frames


async def test_flows_wait_for_themselves_and_not_for_each_other() -> None:
    pacer, slow, fast, order = DelayQueue(), Flow(), Flow(), list[str]()
    done = asyncio.Event()
    pacer.hold(slow, 0.02, lambda: order.append("slow, first"))
    pacer.hold(slow, 0.0, lambda: order.append("slow, second"))
    pacer.hold(slow, 0.01, done.set)
    pacer.hold(fast, 0.01, lambda: order.append("fast, late"))
    pacer.hold(Flow(), 0.0, lambda: order.append("at once"))
    await asyncio.wait_for(done.wait(), PATIENCE)
    assert order == ["at once", "fast, late", "slow, first", "slow, second"]


async def test_a_closed_pacer_delivers_nothing_and_can_be_used_again() -> None:
    pacer, flow, delivered = DelayQueue(), Flow(), list[str]()
    pacer.hold(flow, 0.001, lambda: delivered.append("before"))
    pacer.close()
    pacer.hold(flow, 0.0, lambda: delivered.append("after"))
    done = asyncio.Event()
    pacer.hold(flow, 0.005, done.set)
    await asyncio.wait_for(done.wait(), PATIENCE)
    assert delivered == ["after"]
