"""Connections to the pages are bounded in number and in time."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.typedefs import Middleware

from probe.web.connections import ConnectionLimits, ConnectionTable, watch_requests
from probe.web.http_server import WebServer
from probe.web.request_log import OncePerMinute
from tests.web.site_server import Source

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = 60.0


class Served:
    """A page behind bounded connections."""

    def __init__(self, table: ConnectionTable, port: int) -> None:
        self.table, self.port = table, port

    async def connect(self) -> Stream:
        return await asyncio.open_connection("127.0.0.1", self.port)


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def served(
    limits: ConnectionLimits,
    handler: Callable[[web.Request], Awaitable[web.Response]] = _hello,
    inner: Middleware | None = None,
) -> AsyncIterator[Served]:
    found: list[ConnectionTable] = []
    watch = watch_requests(lambda: found[0])
    app = web.Application(middlewares=[watch, *([inner] if inner is not None else [])])
    app.router.add_get("/", handler)
    app.router.add_get("/probe", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    found.append(ConnectionTable(runner.server, limits))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(found[0].new, "127.0.0.1", 0)
    try:
        yield Served(found[0], server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await runner.cleanup()


def limits(connections: int = 100, **seconds: float) -> ConnectionLimits:
    return ConnectionLimits(
        connections, **{"header": LONG, "idle": LONG, "request": LONG, **seconds}
    )


async def _is_closed(stream: Stream) -> bool:
    try:
        return await stream[0].read(4096) == b""
    except ConnectionResetError:
        return True


async def _ask(stream: Stream) -> bytes:
    stream[1].write(GET)
    head = await stream[0].readuntil(b"\r\n\r\n")
    await stream[0].readexactly(5)
    return head


@pytest.mark.usefixtures("leaks")
async def test_a_header_that_does_not_end_is_given_up() -> None:
    async with served(limits(header=0.05)) as server, asyncio.timeout(20):
        stream = await server.connect()
        stream[1].write(b"GET / HTTP/1.1\r\nX: ")
        assert await _is_closed(stream)
        stream[1].close()
        assert len(server.table) == 0


async def test_an_idle_connection_is_given_up_and_an_active_one_is_not() -> None:
    async with served(limits(idle=0.1)) as server, asyncio.timeout(20):
        stream = await server.connect()
        for _ in range(5):
            assert b"200 OK" in await _ask(stream)
        assert await _is_closed(stream)
        stream[1].close()


async def test_a_request_that_takes_too_long_is_given_up() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with served(limits(request=0.05), hang) as server, asyncio.timeout(20):
        stream = await server.connect()
        stream[1].write(GET)
        assert await _is_closed(stream)
        stream[1].close()


async def test_a_run_on_request_takes_as_long_as_a_scrape_may() -> None:
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        await done.wait()
        return web.Response(text="hello")

    async with served(limits(request=0.05), handle) as server, asyncio.timeout(20):
        page, run = await server.connect(), await server.connect()
        run[1].write(GET.replace(b"GET / ", b"GET /probe?target=a "))
        page[1].write(GET)
        assert await _is_closed(page)
        done.set()
        assert b"200 OK" in await run[0].readuntil(b"\r\n\r\n")
        for stream in (page, run):
            stream[1].close()


async def test_one_too_many_closes_the_oldest_idle_one_first() -> None:
    async with served(limits(connections=3)) as server, asyncio.timeout(20):
        waiting = await server.connect()
        first, second = await server.connect(), await server.connect()
        await _ask(first)
        await _ask(second)
        newest = await server.connect()
        assert b"200 OK" in await _ask(newest)
        assert await _is_closed(first)
        assert b"200 OK" in await _ask(second)
        assert len(server.table) == 3
        assert server.table.closed_for_room == 1
        for stream in (waiting, first, second, newest):
            stream[1].close()


async def test_1100_connections_that_say_nothing_keep_no_one_out() -> None:
    async with served(limits(connections=50)) as server, asyncio.timeout(60):
        silent = [await server.connect() for _ in range(300)]
        stream = await server.connect()
        assert b"200 OK" in await _ask(stream)
        assert len(server.table) <= 50
        for _, writer in (*silent, stream):
            writer.close()


async def test_a_complete_request_is_answered_in_a_storm_of_silent_connections() -> None:
    async with served(limits(connections=4)) as server, asyncio.timeout(60):
        # All of them connect before the server's loop runs again.
        asking = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for each in asking:
            each.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
        for each in asking:
            each.setblocking(False)
            answer = await asyncio.get_running_loop().sock_recv(each, 100)
            assert answer.startswith(b"HTTP/1.1 200")
        for each in (*asking, *silent):
            each.close()


async def test_a_storm_of_connections_is_taken_in_small_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request that has arrived waits for the end of several turns, so each has to be short."""
    loop, turns = asyncio.get_running_loop(), [0]
    make = ConnectionTable.new

    def counted(table: ConnectionTable) -> asyncio.Protocol:
        turns[-1] += 1
        return make(table)

    def new_turn() -> None:
        turns.append(0)
        loop.call_soon(new_turn)

    monkeypatch.setattr(ConnectionTable, "new", counted)
    small = limits(connections=40)
    server = WebServer(Source().pages(), ("127.0.0.1", 0), small)
    await server.start()
    storm = [socket.create_connection(server.address) for _ in range(100)]
    new_turn()
    async with asyncio.timeout(60):
        while sum(turns) < len(storm):  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert max(turns) <= small.accepts == 10
    for each in storm:
        each.close()
    await server.stop()


async def test_where_all_are_in_a_request_one_more_is_refused() -> None:
    release = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text="hello")

    async with served(limits(connections=1), wait) as server, asyncio.timeout(20):
        stream = await server.connect()
        stream[1].write(GET)
        while not any(each.state.name == "REQUEST" for each in server.table.all()):  # noqa: ASYNC110
            await asyncio.sleep(0)
        late = await server.connect()
        assert await _is_closed(late)
        release.set()
        assert b"200 OK" in await stream[0].readuntil(b"\r\n\r\n")
        for _, writer in (stream, late):
            writer.close()


def test_what_clients_do_wrong_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    from aiohttp.http_exceptions import BadStatusLine

    logger = logging.getLogger("test.once-per-minute")
    logger.addFilter(OncePerMinute())
    for _ in range(100):
        try:
            raise BadStatusLine("x")
        except BadStatusLine:
            logger.exception("Error handling request from %s", "127.0.0.1")
    (record,) = caplog.records
    assert record.exc_info is None
    assert record.getMessage().startswith("malformed request")
