"""How a TURN server of the tests may deviate from RFC 8656."""

import asyncio
import math
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from probe.stun.codec import Method, StunMessage, long_term_key

USERNAME, PASSWORD, REALM = "u", "p", b"bent.test"
KEY = long_term_key(USERNAME, REALM, PASSWORD)
Address = tuple[str, int]


class Refusal(NamedTuple):
    """An error answer: its code, whether it is signed, and further attributes."""

    code: int
    signed: bool = True
    attributes: Mapping[str, Any] = {}


@dataclass
class Bends:
    """How it deviates. Codes are those of error answers; sizes are bytes.

    ``instead`` is asked for an error before a request that is signed well is looked at,
    ``allocated`` replaces attributes of the answer to Allocate, ``lifetimes`` are what it and each
    Refresh say in turn (the last stays, None is no LIFETIME) and end with, and ``outgoing`` makes
    the packets that leave, given the request that they answer (none for relayed data) and the
    packet that would be right. ``closes_after`` ends a stream after so many relayed packets,
    ``away_after`` closes the UDP port for ``away_seconds``. ``path`` gets each relayed datagram,
    who sent it, whether it goes by a channel, and what hands it on.
    """

    allocate_error: int | None = None
    error_times: int = 10**9
    unsigned_errors: bool = False
    unsigned_successes: frozenset[Method] = frozenset()
    open_relay: bool = False
    channel_error: int | None = None
    permission_error: int | None = None
    without: frozenset[str] = frozenset()
    extra: bytes = b""
    realm: bytes = REALM
    forward_padding: bool = False
    pad_towards_client: bool = True
    largest: int = 10**9
    drops: Callable[[bytes], bool] = lambda _: False
    changes: Callable[[bytes], bytes] = lambda data: data
    delay: Callable[[bytes], float] = lambda _: 0.0
    first_answers: Callable[[], bytes] | None = None
    answer_lost: int = 0
    flood: bytes = b""
    on_allocation: Callable[[StunMessage], None] = lambda _: None
    instead: Callable[[StunMessage], Refusal | None] = lambda _: None
    allocated: Mapping[str, Any] = field(default_factory=dict)
    ignores: frozenset[Method] = frozenset()
    lifetimes: Sequence[int | None] = (600,)
    key: bytes = KEY
    relay_host: str = ""
    closes_after: int | None = None
    away_after: int | None = None
    away_seconds: float = 0.5
    permission_seconds: float = math.inf
    path: Callable[[bytes, Address, bool, Callable[[bytes], None]], None] | None = None
    outgoing: Callable[[StunMessage | None, bytes], Sequence[bytes]] = lambda _, packet: (packet,)


@dataclass
class Client:
    """One client of the server: where it is, and its allocation."""

    send: Callable[[bytes], None]
    address: Address
    stream: bool
    relay: "asyncio.DatagramTransport | None" = None
    channels: dict[int, Address] = field(default_factory=dict)
    permitted: dict[str, float] = field(default_factory=dict)
    refreshed: int = 0
    relayed: int = 0
    end: "asyncio.TimerHandle | None" = None
    close: Callable[[], None] = lambda: None

    def lives(self, lifetimes: Sequence[int | None]) -> dict[str, int]:
        """The LIFETIME of the next answer, after which the allocation is gone."""
        lifetime = lifetimes[min(self.refreshed, len(lifetimes) - 1)]
        if lifetime is None:
            return {}
        if self.end is not None:
            self.end.cancel()
        loop = asyncio.get_running_loop()
        self.end = loop.call_later(min(lifetime, 10**6), self.expire)
        return {"LIFETIME": lifetime}

    def expire(self) -> None:
        """End the allocation, if there is one."""
        if self.end is not None:
            self.end.cancel()
        if self.relay is not None:
            self.relay.close()
            self.relay = None

    def permits(self, ip: str) -> bool:
        """Whether a permission for this peer lasts still."""
        return self.permitted.get(ip, 0.0) > time.monotonic()


def with_extra(packet: bytes, extra: bytes) -> bytes:
    """The packet with attributes that the codec has no words for."""
    return packet[:2] + struct.pack("!H", len(packet) - 20 + len(extra)) + packet[4:] + extra


class Relay(asyncio.DatagramProtocol):
    """The relayed port of an allocation."""

    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, peer: Address) -> None:
        self._received(data, peer[:2])
