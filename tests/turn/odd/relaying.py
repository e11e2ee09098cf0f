"""Servers that are odd in what they relay, and in the connection itself."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from probe.stun.codec import StunMessage
from tests.turn.odd import packets
from tests.turn.odd.server import (
    ALLOCATE,
    CONNECTED,
    ENDS,
    LONG,
    NO_DTLS,
    OK,
    OddServer,
    odd,
)

_ALTERED = "payload_altered"
_UNBOUND = b"\x40\x77\0\4abcd"


def _among(make: Callable[[bytes], bytes]) -> dict[str, Any]:
    return {"outgoing": packets.beside_data(make)}


def _empty(packet: bytes) -> bytes:
    return packet[:2] + b"\0\0" if packet[0] & 0xC0 == 0x40 else packet


def _behind_channel_data(make: Callable[[bytes], bytes]) -> dict[str, Any]:
    def outgoing(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        return (packet + make(packet) if packet[0] & 0xC0 == 0x40 else packet,)

    return {"outgoing": outgoing}


def _byte_by_byte(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
    return [packet[at : at + 1] for at in range(len(packet))]


DATA: tuple[OddServer, ...] = (
    odd(
        "ChannelData announces 4 bytes more",
        {"outgoing": packets.longer_channel_data(4)},
        NO_DTLS,
        "hairpin_failed",
    ),
    odd(
        "ChannelData announces 1 byte less",
        {"outgoing": packets.longer_channel_data(-1)},
        NO_DTLS,
        _ALTERED,
    ),
    odd(
        "ChannelData announces no bytes",
        {"outgoing": packets.longer_channel_data(-9999)},
        NO_DTLS,
        "hairpin_failed",
    ),
    odd(
        "ChannelData padded over UDP",
        _behind_channel_data(lambda p: bytes(-len(p) % 4)),
        CONNECTED,
        OK,
    ),
    odd(
        "ChannelData with 4 zeros behind it over UDP",
        _behind_channel_data(lambda _: bytes(4)),
        CONNECTED,
        OK,
    ),
    odd(
        "Data indications of strangers",
        _among(lambda _: packets.data_indication(("192.0.2.7", 7), b"stranger")),
        CONNECTED,
        OK,
    ),
    odd(
        "Data indications without DATA",
        _among(lambda _: packets.header(0x17, 0, os.urandom(12))),
        CONNECTED,
        OK,
    ),
    odd("ChannelData of a channel never bound", _among(lambda _: _UNBOUND), CONNECTED, OK),
    odd("the same, by TCP", _among(lambda _: _UNBOUND), CONNECTED, OK, way="tcp"),
    odd(
        "ChannelData behind the answer to Allocate, by TCP",
        {"outgoing": packets.answers(ALLOCATE, lambda p: (p + _UNBOUND,))},
        CONNECTED,
        OK,
        way="tcp",
    ),
    odd("empty ChannelData among data", _among(_empty), CONNECTED, OK),
    odd("garbage among data", _among(lambda _: b"\xff\xfe garbage"), CONNECTED, OK),
)
CONNECTIONS: tuple[OddServer, ...] = (
    odd("by TCP, byte by byte", {"outgoing": _byte_by_byte}, CONNECTED, OK, way="tcp"),
    odd(
        "two answers in one segment, by TCP",
        {"outgoing": lambda q, p: (p + p,) if q else (p,)},
        CONNECTED,
        OK,
        way="tcp",
    ),
    odd("the first two answers are lost", {"answer_lost": 2}, CONNECTED, OK),
    odd(
        "TCP ends in the middle",
        {"closes_after": 30},
        ENDS,
        "connection_closed",
        way="tcp",
        seconds=LONG,
    ),
    odd(
        "TLS ends by close_notify in the middle",
        {"closes_after": 30},
        ENDS,
        "connection_closed",
        way="tls",
        seconds=LONG,
    ),
    odd(
        "the port refuses (ICMP) from the 30th packet on",
        {"away_after": 30, "away_seconds": 60.0},
        ENDS,
        "connect_refused",
        seconds=LONG,
    ),
)
