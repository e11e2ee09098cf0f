"""A UDP port that refuses (ICMP) has lost a packet; who waits in vain learns of it."""

import asyncio
import socket

import pytest

from probe.core.causes import Cause
from probe.net.resolver import Address
from probe.stun.codec import Method, StunMessage
from probe.stun.connection import StunConnection
from probe.stun.message import make_request
from probe.stun.transaction import LIBWEBRTC
from probe.stun.transport.refusals import noting_refusals
from probe.stun.uri import parse_turn_url
from tests.servers.ports import free_port
from tests.turn.bent_server import bent_server

HOST = "127.0.0.1"


async def ask(port: int) -> StunMessage:
    url = parse_turn_url(f"turn:{HOST}:{port}")
    connection = StunConnection(url, Address(HOST, port, socket.AF_INET), LIBWEBRTC)
    try:
        await connection.connect()
        request = make_request(Method.ALLOCATE, {"REQUESTED-TRANSPORT": 17}, {})
        return await connection.transactions.run(request, None)
    finally:
        connection.abort()


async def test_who_waits_in_vain_learns_of_the_refusal(leaks: None) -> None:
    with noting_refusals() as refusals, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ask(free_port())
    assert refusals.error is not None
    assert refusals.error.cause is Cause.CONNECT_REFUSED


async def test_a_server_that_is_there_a_moment_later_answers(leaks: None) -> None:
    port = free_port()
    with noting_refusals() as refusals:
        asking = asyncio.create_task(ask(port))
    while refusals.error is None:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.01)
    async with bent_server(port=port):
        assert (await asking).error_code == 401
    assert refusals.error is None
