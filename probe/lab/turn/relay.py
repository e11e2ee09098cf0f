"""The relaying half of the TURN server: allocations, and the packets through them."""

import random
from collections.abc import Callable
from functools import partial

from probe.lab.knobs import TurnKnobs
from probe.lab.turn.allocation import Allocation
from probe.lab.turn.delay_queue import DelayQueue
from probe.lab.turn.message import Address, channel_data, data_indication, read_channel_data
from probe.lab.turn.sockets import Client, UdpSocket

# What fits into a Data indication over UDP, with room for its header and the IP header's.
_MAX_DATA = 65_000
# Every second port is even; so many odd ones in a row mean that none is left.
_TRIES = 64


class LabRelay:
    """The table of allocations, and what happens to packets between clients and peers.

    ``send`` carries a message to a client. An expired allocation goes when it is next
    looked at; there are no timers to keep.
    """

    def __init__(
        self,
        host: str,
        knobs: TurnKnobs,
        clock: Callable[[], float],
        pacer: DelayQueue,
        send: Callable[[Client, bytes], None],
    ) -> None:
        self._host, self._knobs, self._clock = host, knobs, clock
        self._pacer, self._send = pacer, send
        self._by_client: dict[Client, Allocation] = {}
        self._by_address: dict[Address, Allocation] = {}
        self._chance = _Chance(knobs)
        self._relayed = 0

    def create(
        self,
        client: Client,
        username: str,
        transaction_id: bytes,
        lifetime: int,
        *,
        even: bool = False,
    ) -> Allocation:
        """A new allocation for ``lifetime`` seconds; ``OSError`` if there is no port left."""
        socket = _open_port(self._host, even, lambda data, peer: self._from_peer(made, data, peer))
        expires_at = self._clock() + lifetime
        made = Allocation(client, username, transaction_id, socket, self._clock, expires_at)
        advertised = (self._knobs.relayed_address or self._host, socket.address[1])
        made.answer = {
            "XOR-RELAYED-ADDRESS": advertised,
            "XOR-MAPPED-ADDRESS": client.address,
            "LIFETIME": lifetime,
        }
        self._by_client[client] = self._by_address[socket.address] = made
        return made

    def find(self, client: Client) -> Allocation | None:
        """The client's live allocation."""
        allocation = self._by_client.get(client)
        if allocation is not None and allocation.is_expired:
            self.delete(client)
            return None
        return allocation

    def delete(self, client: Client) -> None:
        """Forget the client's allocation, if it has one."""
        allocation = self._by_client.pop(client, None)
        if allocation is not None:
            del self._by_address[allocation.socket.address]
            allocation.socket.close()

    def delete_all(self) -> None:
        """Forget every allocation."""
        for client in list(self._by_client):
            self.delete(client)

    def count(self, username: str | None = None) -> int:
        """How many allocations are live: of one user, or all."""
        live = [found for client in list(self._by_client) if (found := self.find(client))]
        return sum(username in (None, allocation.username) for allocation in live)

    def channel_data(self, client: Client, packet: bytes) -> None:
        """Relay a ChannelData message from a client (RFC 8656 section 12.6)."""
        allocation, parts = self.find(client), read_channel_data(packet)
        if allocation is None or parts is None:
            return
        number, data = parts
        peer = allocation.peer_of(number)
        if peer is not None:
            self.to_peer(allocation, data, peer)

    def to_peer(self, allocation: Allocation, data: bytes, peer: Address) -> None:
        """Relay data from a client to a peer, if the client may (RFC 8656 section 9)."""
        if not allocation.permits(peer[0]):
            return
        if peer in self._by_address and not self._knobs.hairpin:
            return
        wait = self._chance.draw()
        if wait is not None:
            self._pacer.hold(allocation.to_peers, wait, partial(self._emit, allocation, data, peer))

    def _emit(self, allocation: Allocation, data: bytes, peer: Address) -> None:
        if self.find(allocation.client) is not allocation:
            return
        allocation.socket.send(data, peer)
        # A packet to another of our relayed addresses counts when it is through there.
        if peer not in self._by_address:
            self._count_relayed()

    def _from_peer(self, allocation: Allocation, data: bytes, peer: Address) -> None:
        if self.find(allocation.client) is not allocation or len(data) > _MAX_DATA:
            return
        if not allocation.permits(peer[0]):
            return
        # Loss and jitter have struck on the way in if it comes from our own relay.
        wait = 0.0 if peer in self._by_address else self._chance.draw()
        if wait is not None:
            self._pacer.hold(
                allocation.to_client, wait, partial(self._deliver, allocation, data, peer)
            )

    def _deliver(self, allocation: Allocation, data: bytes, peer: Address) -> None:
        if self.find(allocation.client) is not allocation:
            return
        number, client = allocation.channel_of(peer), allocation.client
        if number is None:
            self._send(client, data_indication(peer, data))
        else:
            self._send(client, channel_data(number, data, padded=client.padded))
        self._count_relayed()

    def _count_relayed(self) -> None:
        if self._knobs.drop_after is None:
            self._relayed = 0
            return
        self._relayed += 1
        if self._relayed >= self._knobs.drop_after:
            self._knobs.drop_after = None
            self.delete_all()


def _open_port(host: str, even: bool, received: Callable[[bytes, Address], None]) -> UdpSocket:
    for _ in range(_TRIES):
        found = UdpSocket(host, 0, received)
        if not even or found.address[1] % 2 == 0:
            return found
        found.close()
    raise OSError("no even port")


class _Chance:
    """The fate of relayed packets, drawn in an order that the seed alone decides."""

    def __init__(self, knobs: TurnKnobs) -> None:
        self._knobs, self._seed = knobs, knobs.seed
        self._random = random.Random(self._seed)

    def draw(self) -> float | None:
        """Seconds that a packet is late, or None if it is lost."""
        if self._seed != self._knobs.seed:
            self._seed = self._knobs.seed
            self._random = random.Random(self._seed)
        # Always two draws, so that turning one knob leaves the other's sequence as it is.
        loss, jitter = self._random.random(), self._random.random()
        return None if loss < self._knobs.loss else jitter * self._knobs.jitter
