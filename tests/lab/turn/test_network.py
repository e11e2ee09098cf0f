"""The lab's TURN server can be as slow and lossy as a network, by its knobs."""

import time
from collections.abc import AsyncIterator

import pytest
from aioice.stun import Method

from probe.lab.knobs import TurnKnobs
from probe.lab.turn.server import LabTurnServer
from tests.lab.turn import raw_turn
from tests.lab.turn.aioice_client import burst, pair
from tests.lab.turn.raw_turn import plain, raw, running

DELAY = 0.03
# The loop's timers may be early by its clock's resolution.
MIN_DELAY = DELAY - 0.001
TRANSPORTS = ["udp", "tcp"]


@pytest.fixture
async def server() -> AsyncIterator[LabTurnServer]:
    async with running() as server:
        yield server


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_delay_adds_twice_itself_to_a_round_trip(
    server: LabTurnServer, transport: str
) -> None:
    async with raw_turn.peer() as peer, raw(server, transport) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        server.knobs.delay = DELAY
        started = time.monotonic()
        await client.ping()
        assert time.monotonic() - started >= 2 * MIN_DELAY
        started = time.monotonic()
        client.send_indication(b"there", peer.address)
        await peer.receive()
        assert time.monotonic() - started >= MIN_DELAY
        started = time.monotonic()
        peer.send(b"back", relayed)
        await client.receive()
        assert time.monotonic() - started >= MIN_DELAY


@pytest.mark.parametrize("knobs", [TurnKnobs(delay=DELAY), TurnKnobs(jitter=DELAY)])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_late_packets_stay_in_order(knobs: TurnKnobs, transport: str) -> None:
    async with running() as server, pair(server, transport) as (one, two):
        server.knobs.delay, server.knobs.jitter = knobs.delay, knobs.jitter
        assert await burst(one, two, 100) == list(range(100))


async def test_turning_a_delay_off_lets_nothing_overtake(server: LabTurnServer) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        await client.allocate()
        await client.permit(peer.address)
        server.knobs.delay = DELAY
        client.send_indication(b"first", peer.address)
        # Once this is answered late, the server has the first one in its hands.
        client.send(bytes(plain(Method.BINDING)))
        async with running() as awake, raw(awake) as other:
            await other.ping()
        server.knobs.delay = 0.0
        client.send_indication(b"second", peer.address)
        assert [(await peer.receive())[0] for _ in range(2)] == [b"first", b"second"]


async def test_jitter_does_not_touch_requests(server: LabTurnServer) -> None:
    server.knobs.jitter = 3600.0
    async with raw_turn.peer() as peer, raw(server) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        client.send_indication(b"late", peer.address)
        peer.send(b"late", relayed)
        await client.ping()
        assert peer.arrived.empty()


async def test_all_packets_are_lost_or_none(server: LabTurnServer) -> None:
    async with raw_turn.peer() as peer, raw(server) as client:
        relayed = await client.allocate()
        await client.permit(peer.address)
        server.knobs.loss = 1.0
        client.send_indication(b"lost", peer.address)
        peer.send(b"lost", relayed)
        await client.ping()
        server.knobs.loss = 0.0
        client.send_indication(b"kept", peer.address)
        assert (await peer.receive())[0] == b"kept"


async def survivors(server: LabTurnServer, seed: int) -> list[int]:
    """Which of 200 packets get through a loss of 0.25."""
    async with raw_turn.peer() as peer, raw(server) as client:
        await client.allocate()
        await client.permit(peer.address)
        server.knobs.seed, server.knobs.loss = seed, 0.25
        for number in range(200):
            client.send_indication(number.to_bytes(2), peer.address)
            await client.ping()
        server.knobs.loss = 0.0
        client.send_indication(b"end", peer.address)
        arrived = [(await peer.receive())[0]]
        while arrived[-1] != b"end":
            arrived.append((await peer.receive())[0])
        return [int.from_bytes(data) for data in arrived[:-1]]


async def test_the_seed_decides_which_packets_are_lost(server: LabTurnServer) -> None:
    first = await survivors(server, seed=1)
    second = await survivors(server, seed=2)
    assert first != second
    assert await survivors(server, seed=1) == first
    assert 120 < len(first) < 180


async def test_a_hairpin_packet_is_lost_once_not_twice(server: LabTurnServer) -> None:
    """With half of them lost, half get through two relayed addresses, not a quarter."""
    async with pair(server) as (one, two):
        server.knobs.loss = 0.5
        for number in range(200):
            one.send(number.to_bytes(2), two.address)
        async with raw(server) as client:
            await client.ping()
        server.knobs.loss = 0.0
        one.send(b"end", two.address)
        arrived = 0
        while (await two.receive())[0] != b"end":
            arrived += 1
        assert 70 < arrived < 130


async def test_without_hairpin_only_other_peers_are_reached(server: LabTurnServer) -> None:
    async with raw_turn.peer() as peer, pair(server) as (one, two):
        server.knobs.hairpin = False
        one.send(b"vanishes", two.address)
        one.send(b"outside", peer.address)
        assert (await peer.receive())[0] == b"outside"
        peer.send(b"inside", one.address)
        assert (await one.receive())[0] == b"inside"
        server.knobs.hairpin = True
        one.send(b"again", two.address)
        assert (await two.receive())[0] == b"again"
