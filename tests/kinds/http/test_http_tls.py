"""Certificates as browsers and blackbox_exporter see them, and HTTP/2 where ALPN chooses it."""

import asyncio
import json
import os
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.http.chains import Chains, certify
from tests.kinds.http_helpers import HEALTHY, ending, failure, look, values
from tests.servers.pages import Pages, answers

pytestmark = pytest.mark.usefixtures("leaks")


@contextmanager
def refusing_server(context: ssl.SSLContext) -> Iterator[int]:
    """Refuses one handshake with its alert, which asyncio's servers don't send; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.settimeout(10)
                shaking = context.wrap_socket(
                    accepted, server_side=True, do_handshake_on_connect=False
                )
                with shaking, suppress(OSError):
                    try:
                        shaking.do_handshake()
                    finally:
                        raw = socket.socket(fileno=os.dup(shaking.fileno()))
                        with raw:
                            raw.shutdown(socket.SHUT_WR)
                            while raw.recv(4096):
                                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("root", "intermediate", "leaf", "earliest"),
    [(3000, 900, 90, 90), (3000, 2, 90, 2), (2, 900, 90, 2), (3000, 900, 1, 1)],
)
async def test_the_earliest_end_of_the_verified_chain_counts(
    tmp_path: Path, root: float, intermediate: float, leaf: float, earliest: float
) -> None:
    chains = Chains(tmp_path, root=root, intermediate=intermediate, leaf=leaf)
    async with Pages(answers(), tls=chains.server()) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    assert result.status is Status.OK
    remaining = values(result)["probe_ssl_certificate_remaining_seconds"] / 86400
    assert remaining == pytest.approx(earliest, abs=0.1)
    assert result.facts["certificate names"] == "localhost, 127.0.0.1"
    assert result.facts["certificate issuer"] == "intermediate"
    assert result.facts["certificate key"] == "EC secp256r1"
    assert "root (until" in result.facts["certificate chain"]


async def test_the_earliest_end_of_all_hops_counts(tmp_path: Path) -> None:
    short = Chains(tmp_path, root=3000, intermediate=900, leaf=2)
    first = short.server()
    short.leaf = certify("leaf", short.intermediate, 90)
    async with Pages(answers(), tls=short.server()) as last:
        moved = answers(301, b"", Location=last.url)
        async with Pages(moved, tls=first) as pages:
            result = await look(pages.url, ca_file=short.ca_file)
    remaining = values(result)["probe_ssl_certificate_remaining_seconds"] / 86400
    assert result.status is Status.OK
    assert remaining == pytest.approx(2, abs=0.1)


async def test_a_missing_intermediate_has_a_hint_of_its_own(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    async with Pages(answers(), tls=chains.server(sends_intermediate=False)) as pages:
        result = await look(pages.url, ca_file=chains.ca_file)
    assert ending(result) == ("tls", Cause.TLS_INVALID)
    assert "intermediate" in failure(result).hint


async def test_a_name_that_the_server_refuses_has_a_hint_of_its_own(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    context = chains.server()
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with refusing_server(context) as port:
        result = await look(f"https://localhost:{port}/", ca_file=chains.ca_file)
    assert ending(result) == ("tls", Cause.TLS_FAILED)
    assert "SNI" in failure(result).hint


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"{}    "]
)
async def test_a_port_without_tls_has_a_hint_of_its_own(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        result = await look(f"https://127.0.0.1:{port}/")
    assert ending(result) == ("tls", Cause.TLS_FAILED)
    assert "without TLS (http:, turn:)" in failure(result).hint


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_requires_a_client_certificate_is_named(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    context = chains.server()
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(chains.ca_file)
    with refusing_server(context) as port:
        result = await look(f"https://127.0.0.1:{port}/", ca_file=chains.ca_file)
    assert failure(result).cause is Cause.TLS_FAILED
    if version is ssl.TLSVersion.TLSv1_3:
        assert "client certificate" in failure(result).hint


FLOODS: dict[str, Callable[[h2.connection.H2Connection, int], None]] = {
    "ping": lambda connection, _: connection.ping(b"12345678"),
    "settings": lambda connection, _: connection.update_settings({}),
    "early hints": lambda connection, stream: connection.send_headers(stream, [(":status", "103")]),
}


async def flooding(
    connection: h2.connection.H2Connection, stream: int, writer: asyncio.StreamWriter, flood: str
) -> None:
    """Send these frames until the client goes away."""
    while True:
        FLOODS[flood](connection, stream)
        writer.write(connection.data_to_send())
        await writer.drain()
        await asyncio.sleep(0)


@asynccontextmanager
async def http2_server(context: ssl.SSLContext, body: bytes, flood: str = "") -> AsyncIterator[str]:
    """Speaks HTTP/2 alone; ``flood`` is what it sends without end instead of answering."""
    context.set_alpn_protocols(["h2"])
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        config = h2.config.H2Configuration(client_side=False)
        connection = h2.connection.H2Connection(config=config)
        connection.initiate_connection()
        try:
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        stream = event.stream_id or 1
                        if flood:
                            await flooding(connection, stream, writer, flood)
                        headers = [(":status", "200"), ("content-length", str(len(body)))]
                        connection.send_headers(stream, headers)
                        connection.send_data(stream, body, end_stream=True)
                writer.write(connection.data_to_send())
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_server_that_speaks_http_2_alone_is_spoken_to(tmp_path: Path) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    async with http2_server(chains.server(), json.dumps(HEALTHY).encode()) as url:
        result = await look(url, ca_file=chains.ca_file, body="health")
    assert (result.status, result.failure) == (Status.OK, None)
    assert values(result)["probe_http_version"] == 2
    assert list(result.phases) == ["connect", "tls", "processing", "transfer", "body"]


@pytest.mark.parametrize("flood", ["ping", "settings", "early hints"])
async def test_a_flood_over_http_2_ends_by_its_budget(tmp_path: Path, flood: str) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    async with http2_server(chains.server(), b"", flood) as url:
        result = await look(url, ca_file=chains.ca_file, deadline=30.0)
    assert failure(result).cause is Cause.FLOODED
