"""Whatever comes over the wire, the client neither raises nor believes it."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from aioice import stun
from aioice.stun import Class, Message, Method
from hypothesis import given
from hypothesis import strategies as st

from probe.net.resolver import Address
from probe.stun.connection import StunConnection
from probe.stun.message import (
    Framer,
    channel_data,
    is_channel_data,
    read_channel_data,
    read_message,
)
from probe.stun.transaction import RFC_8489
from probe.stun.uri import parse_turn_url
from probe.turn.client import TurnClient
from probe.turn.dialing import Dialed

PEER = ("192.0.2.9", 4000)


def connected() -> tuple[TurnClient, StunConnection]:
    """A client whose connection goes nowhere."""
    url = parse_turn_url("turn:127.0.0.1")
    client = TurnClient(url, None, clock=time.monotonic, now=time.time)
    address = Address("127.0.0.1", 3478, socket.AF_INET)
    connection = StunConnection(url, address, RFC_8489)
    client.use(Dialed(connection))
    return client, connection


def message_with(attribute: int, value: bytes, method: int, kind: int) -> bytes:
    body = struct.pack("!HH", attribute, len(value)) + value + bytes(-len(value) % 4)
    return struct.pack("!HHI12s", method | kind, len(body), stun.COOKIE, bytes(12)) + body


ATTRIBUTES = st.one_of(st.sampled_from(sorted(stun.ATTRIBUTES_BY_TYPE)), st.integers(0, 0xFFFF))
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.builds(
        message_with,
        ATTRIBUTES,
        st.binary(max_size=40),
        st.sampled_from([*(int(method) for method in Method), 0x1F]),
        st.sampled_from([int(kind) for kind in Class]),
    ),
    st.builds(channel_data, st.integers(0x4000, 0x7FFF), st.binary(max_size=40)),
)


@given(HOSTILE)
def test_no_packet_makes_the_client_raise(packet: bytes) -> None:
    connected()[1].message_received(packet)


@given(st.binary(max_size=300), st.lists(st.integers(1, 50)))
def test_a_stream_is_cut_or_given_up_but_never_more(data: bytes, sizes: list[int]) -> None:
    framer = Framer(lambda number: number == 0x4000)
    position = 0
    # Given up is fine, and nothing else than this one way of it.
    with suppress(ValueError):
        for size in [*sizes, len(data)]:
            for frame in framer.feed(data[position : position + size]):
                assert frame in data
            position += size


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_messages_are_whole_however_the_stream_is_cut(size: int) -> None:
    frames = [
        bytes(Message(Method.BINDING, Class.RESPONSE, attributes={"SOFTWARE": "x" * 9})),
        channel_data(0x4000, b"12345") + bytes(3),
        bytes(Message(Method.BINDING, Class.RESPONSE)),
        channel_data(0x4000, b""),
    ]
    framer = Framer(lambda number: number == 0x4000)
    found = [frame for piece in pieces(b"".join(frames), size) for frame in framer.feed(piece)]
    assert found == frames
    assert read_channel_data(found[1]) == (0x4000, b"12345")


@pytest.mark.parametrize(
    "banner",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_other_protocols_are_reported_at_once(banner: bytes) -> None:
    with pytest.raises(ValueError, match="neither STUN nor ChannelData"):
        list(Framer(lambda number: number == 0x4000).feed(banner))


def test_data_comes_from_bound_channels_and_indications_alone() -> None:
    heard: list[tuple[bytes, tuple[str, int]]] = []
    client, receiver = connected()
    client.on_data = lambda data, peer: heard.append((data, peer))
    receiver.message_received(channel_data(0x4000, b"unbound"))
    indication = Message(Method.DATA, Class.INDICATION)
    indication.attributes = {"XOR-PEER-ADDRESS": PEER, "DATA": b"indicated"}
    receiver.message_received(bytes(indication))
    assert heard == [(b"indicated", PEER)]


def test_a_truncated_channel_message_is_none() -> None:
    frame = channel_data(0x4000, b"12345")
    assert is_channel_data(frame)
    assert read_channel_data(frame[:-1]) is None
    assert read_message(frame) is None
