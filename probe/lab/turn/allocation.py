"""One client's allocation: its relayed address, permissions and channels (RFC 8656)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from probe.lab.turn.delay_queue import Flow
from probe.lab.turn.message import Address, Refusal
from probe.lab.turn.sockets import Client, UdpSocket

# Seconds, all from RFC 8656: sections 3.2 and 7.2, 9, 12.
DEFAULT_LIFETIME = 600
MAX_LIFETIME = 3600
PERMISSION_LIFETIME = 300
CHANNEL_LIFETIME = 600
# Section 12: other numbers are reserved.
CHANNEL_NUMBERS = range(0x4000, 0x5000)


def granted_lifetime(requested: int | None) -> int:
    """Seconds that a client gets for what it asks (RFC 8656 section 7.2)."""
    return max(DEFAULT_LIFETIME, min(requested or 0, MAX_LIFETIME))


@dataclass
class _Channel:
    peer: Address
    expires_at: float


@dataclass(eq=False)
class Allocation:
    """What a server keeps for one 5-tuple. ``clock`` gives seconds."""

    client: Client
    username: str
    transaction_id: bytes
    """Of the Allocate that made it, so that a retransmission is known."""
    socket: UdpSocket
    clock: Callable[[], float]
    expires_at: float
    answer: dict[str, Any] = field(default_factory=dict)
    """The attributes of the success response, for retransmissions."""
    to_peers: Flow = field(default_factory=Flow)
    to_client: Flow = field(default_factory=Flow)
    _permissions: dict[str, float] = field(default_factory=dict)
    _channels: dict[int, _Channel] = field(default_factory=dict)
    _numbers: dict[Address, int] = field(default_factory=dict)

    @property
    def is_expired(self) -> bool:
        """Whether its lifetime has ended."""
        return self.expires_at <= self.clock()

    def permit(self, host: str) -> None:
        """Install or refresh the permission for an address; ports don't matter (section 9)."""
        self._permissions[host] = self.clock() + PERMISSION_LIFETIME

    def permits(self, host: str) -> bool:
        """Whether packets from and to this address are relayed."""
        return self._permissions.get(host, 0) > self.clock()

    def bind(self, number: int, peer: Address) -> None:
        """Bind or refresh a channel, which installs a permission too (section 12.2).

        Raises `Refusal` (400) if number or peer is bound otherwise, or the number reserved.
        """
        self._forget_expired_channels()
        bound = self._channels.get(number)
        is_free = bound is None or bound.peer == peer
        if (
            number not in CHANNEL_NUMBERS
            or not is_free
            or self._numbers.get(peer, number) != number
        ):
            raise Refusal(400)
        self._channels[number] = _Channel(peer, self.clock() + CHANNEL_LIFETIME)
        self._numbers[peer] = number
        self.permit(peer[0])

    def peer_of(self, number: int) -> Address | None:
        """The peer that a channel is bound to now."""
        channel = self._channels.get(number)
        return channel.peer if channel and channel.expires_at > self.clock() else None

    def channel_of(self, peer: Address) -> int | None:
        """The channel that is bound to a peer now."""
        number = self._numbers.get(peer)
        return number if number is not None and self.peer_of(number) else None

    def _forget_expired_channels(self) -> None:
        for number in [number for number in self._channels if not self.peer_of(number)]:
            del self._numbers[self._channels.pop(number).peer]
