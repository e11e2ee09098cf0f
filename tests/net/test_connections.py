"""A visit goes on with its connections as a browser does; each check begins with a fresh one."""

import asyncio
import time
from pathlib import Path

import pytest

from probe.net.http import FreshHttpClient, fresh_client
from tests.browser.http.tls_servers import certificate
from tests.browser.http.visits_http2.server import Http2Server, serving
from tests.servers.pages import Behaviour, Pages

MOVED = b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def answering(*answers: bytes) -> Behaviour:
    """One answer for each request of a connection, then its end."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at, answer in enumerate(answers):
            if at:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()

    return behave


def client() -> FreshHttpClient:
    return fresh_client(ca_file=None, clock=time.monotonic, host="")


async def test_what_a_redirect_leads_to_is_asked_for_on_its_connection() -> None:
    async with Pages(answering(MOVED, MOVED, PAGE)) as pages, client() as visit:
        async with visit.open(f"{pages.url}/", max_redirects=20) as page:
            assert (await visit.read(page, 100), page.redirects) == (b"hello", 2)
        assert pages.connections == 1


async def test_each_visit_begins_with_a_connection_of_its_own() -> None:
    async with Pages(answering(PAGE, PAGE)) as pages:
        for _ in range(2):
            async with client() as visit, visit.open(f"{pages.url}/") as page:
                assert await visit.read(page, 100) == b"hello"
        assert pages.connections == 2


async def test_a_request_keeps_its_connection_only_where_that_is_wanted() -> None:
    async with Pages(answering(PAGE, PAGE)) as pages, client() as visit:
        for keep, connections in ((False, 1), (True, 2), (True, 2)):
            async with visit.request("GET", pages.url, keep=keep):
                pass
            assert pages.connections == connections


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_a_kept_connection_does_not_answer_is_sent_again(method: str) -> None:
    async with Pages(answering(PAGE, b"")) as pages, client() as visit:
        for _ in range(2):
            async with visit.request(method, pages.url, keep=True) as response:
                assert response.status == 200
        assert pages.connections == 2


async def test_a_connection_that_ended_meanwhile_is_not_asked() -> None:
    async with Pages(answering(PAGE)) as pages, client() as visit:
        async with visit.request("GET", pages.url, keep=True) as response:
            stream = response.stream
        async with asyncio.timeout(5):
            while stream.is_idle:  # noqa: ASYNC110
                await asyncio.sleep(0)
        async with visit.request("GET", pages.url, keep=True) as response:
            assert response.status == 200
        assert len(pages.heads) == pages.connections == 2


async def test_the_requests_of_a_visit_are_streams_of_one_connection(tmp_path: Path) -> None:
    server = Http2Server([[("302 /x",), ("302 /y",), ("200 hello",)]])
    trusted = certificate(tmp_path, "p-256")
    async with serving(server, tmp_path) as url:
        visit = fresh_client(ca_file=trusted, clock=time.monotonic, host="")
        async with visit, visit.open(url, max_redirects=20) as page:
            assert (await visit.read(page, 100), page.redirects) == (b"hello", 2)
            assert len(visit.tls.chains) == 1


async def test_no_connection_outlives_its_visit() -> None:
    async with Pages(answering(PAGE, PAGE)) as pages:
        async with client() as visit, visit.request("GET", pages.url, keep=True) as response:
            stream = response.stream
        assert stream.is_closed
