"""Binding answers and address families, as Chromium takes them."""

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.kinds import stun
from probe.net.resolver import Address
from tests.turn.bent_server import bent_server
from tests.turn.test_as_chromium import STREAM_AND_PACKETS, look
from tests.turn.turn_lab import ending


async def binding(url: str) -> Result:
    table = stun.KIND.table.model_validate({"name": "s", "url": url, "deadline": 4})
    return await run_check(Check(stun.KIND, table), Context())


class Stun(asyncio.DatagramProtocol):
    """Answers every Binding with the same attribute."""

    def __init__(self, attribute: bytes) -> None:
        self._attribute = attribute

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        head = struct.pack("!HH", 0x0101, len(self._attribute)) + data[4:20]
        self.transport.sendto(head + self._attribute, address)  # type: ignore[attr-defined]


def mapped(family: int, address: bytes, port: int = 4000) -> bytes:
    return struct.pack("!HHBBH", 0x0001, 4 + len(address), 0, family, port) + address


@pytest.mark.parametrize(
    "attribute",
    [
        mapped(1, bytes(4), 0),
        mapped(1, bytes(4)),
        mapped(1, b"\x7f\0\0\x01", 0),
        mapped(2, bytes(15) + b"\x01"),
        mapped(1, b"\xe0\0\0\x01"),
        struct.pack("!HH", 0x0001, 64) + bytes(8),
        mapped(3, bytes(4)),
        b"",
        struct.pack("!HHI", 0x7ABC, 4, 1) + mapped(1, b"\x7f\0\0\x01"),
    ],
)
async def test_an_address_that_can_not_be_ours_is_a_failure(leaks: None, attribute: bytes) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Stun(attribute), local_addr=("127.0.0.1", 0)
    )
    try:
        result = await binding(f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}")
    finally:
        transport.close()
    assert ending(result) == ("binding", "protocol_error")


@asynccontextmanager
async def silent_ipv6(port: int) -> AsyncIterator[None]:
    """The same port at ::1 takes packets, and says nothing."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("::1", port)
    )
    try:
        yield
    finally:
        transport.close()


@pytest.mark.parametrize("kind", ["allocation", "turn", "call"])
@pytest.mark.parametrize("way", STREAM_AND_PACKETS)
async def test_a_family_that_refuses_is_not_the_verdict(
    leaks: None, monkeypatch: pytest.MonkeyPatch, kind: str, way: str
) -> None:
    async with bent_server() as server:
        two_addresses(monkeypatch, server.port)
        result = await look(kind, f"turn:dual.test:{server.port}?transport={way}")
    assert result.status is Status.OK, result.failure


@pytest.mark.parametrize("kind", ["allocation", "turn", "call", "stun"])
async def test_a_family_that_is_silent_is_said_and_not_the_verdict(
    leaks: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with bent_server() as server, silent_ipv6(server.port):
        two_addresses(monkeypatch, server.port)
        if kind == "stun":
            result = await binding(f"stun:dual.test:{server.port}")
        else:
            result = await look(kind, f"turn:dual.test:{server.port}")
    assert result.status is Status.OK, result.failure
    if kind != "call":
        assert "does not answer" in result.facts["ipv6"]
        assert result.facts["ipv4"] == "answers"


def two_addresses(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    async def resolve(host: str, _: int, **__: object) -> list[Address]:
        assert host == "dual.test"
        return [
            Address("::1", port, socket.AF_INET6),
            Address("127.0.0.1", port, socket.AF_INET),
        ]

    monkeypatch.setattr(sys.modules["probe.turn.resolve"], "resolve", resolve)
