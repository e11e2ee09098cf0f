"""Requests that come all at once on one connection are answered one a turn of the event loop: those
of others are answered in between."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr

from probe.web.access import Access, guard
from tests.web.test_access import basic
from tests.web.test_connections import GET, limits, served

POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
MISSING = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("request_", [GET, POST, MISSING], ids=["get", "refused body", "missing"])
async def test_pipelined_requests_are_answered_one_a_turn(request_: bytes) -> None:
    loop, turn, count = asyncio.get_running_loop(), 0, 60
    handled: Counter[int] = Counter()

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.Response:
        handled[turn] += 1
        return web.Response(text="hello")

    def new_turn() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(new_turn)

    async with served(limits(), inner=note) as site:
        reader, writer = await site.connect()
        new_turn()
        writer.write(request_ * count)
        answers = b""
        while answers.count(b"HTTP/1.1 200") < count:
            answers += await reader.read(65536)
        writer.close()
    assert sum(handled.values()) == count
    assert max(handled.values()) == 1


@pytest.mark.parametrize("first", [True, False], ids=["right first", "right last"])
async def test_two_logins_in_one_request_are_none(first: bool) -> None:
    logins = [basic("eva:1"), basic("adam:2")]
    fields = "".join(f"Authorization: {each}\r\n" for each in sorted(logins, reverse=first))
    access = Access(user="eva", password=SecretStr("1"))
    async with served(limits(), inner=guard(access)) as site:
        reader, writer = await site.connect()
        writer.write(GET[:-2] + fields.encode() + b"\r\n")
        head = await reader.readuntil(b"\r\n")
        writer.close()
    assert head == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_health_check_is_answered_amid_connections_that_pipeline() -> None:
    """Not one of the others has had all of its answers by then."""
    handled: Counter[str] = Counter()

    async def count(request: web.Request) -> web.Response:
        handled[request.headers["X-Who"]] += 1
        return web.Response(text="hello")

    def of(who: str) -> bytes:
        return GET.replace(b"\r\n\r\n", f"\r\nX-Who: {who}\r\n\r\n".encode())

    async with served(limits(), count) as site:
        crowd = [await site.connect() for _ in range(8)]
        reader, writer = await site.connect()
        for _, each in crowd:
            each.write(of("crowd") * 60)
        writer.write(of("check"))
        await reader.readuntil(b"hello")
        assert handled["crowd"] < 8 * 60 / 2
        for _, each in (*crowd, (reader, writer)):
            each.close()
