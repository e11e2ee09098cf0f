"""A WebSocket that was broken is read no further: the library would keep all that follows."""

from typing import cast

import pytest

from probe.net.protocol.errors import PeerError
from probe.net.protocol.http1 import Http1Response
from probe.net.protocol.stream import Stream
from probe.net.websocket.connection import WebSocket
from tests.hostile.floods import frame
from tests.hostile.fuzzing import SWITCHED, Received

BROKEN = {
    "compressed, which was not agreed": frame(1, b"a" * 100, reserved=0x40),
    "an opcode of the future": frame(3, b""),
    "a continuation of nothing": frame(0, b"a"),
    "a ping of 200 bytes": frame(9, b"a" * 200),
    "a masked frame": b"\x81\x81abcda",
    "text that is not UTF-8": frame(1, b"\xff\xfe"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_follows_a_violation_is_not_received(name: str) -> None:
    stream = Received(BROKEN[name] + b"\x81\x01a" * 1_000_000)
    socket = WebSocket(Http1Response(cast(Stream, stream), SWITCHED, b""))
    with pytest.raises(PeerError):
        await socket.receive()
    read = stream.left
    await socket.close()
    assert stream.left == read > 300
