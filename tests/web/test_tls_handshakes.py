"""A TLS handshake that doesn't end holds no connection, and none is made anew without end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from probe.web.access import Access
from probe.web.connections import ConnectionLimits
from probe.web.pages import PageData, Pages, WebServer
from probe.web.security import WebSecurity
from probe.web.web_config import read_web_config
from tests.servers.certificate import Certificate, make_certificate
from tests.web.web_config.test_web_config import _client, _get, _metrics, _no_overview, _written

TLS = {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"}}


def client_hello() -> bytes:
    """What a client begins with."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


@asynccontextmanager
async def served(folder: Path, limits: ConnectionLimits) -> AsyncIterator[tuple[WebServer, Pages]]:
    data = PageData(_no_overview, lambda: 0, _metrics, lambda _: None, lambda: "")
    pages = Pages(data, Access(), security=WebSecurity(_written(folder, TLS)))
    server = WebServer(pages, ("127.0.0.1", 0), limits)
    await server.start()
    try:
        yield server, pages
    finally:
        await server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        client_hello()[:1],
        client_hello()[:100],
        client_hello(),
        # A record of a length that never comes, and warnings in the place of a handshake.
        b"\x16\x03\x01\x40\x00\x01",
        b"\x15\x03\x01\x00\x02\x01\x5a" * 500,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["nothing", "a byte", "half a hello", "a hello", "a long record", "warnings", "no TLS"],
)
async def test_a_handshake_that_does_not_end_is_given_up(
    certificate: Certificate, said: bytes
) -> None:
    folder = certificate.cert_file.parent
    limits = ConnectionLimits(100, header=0.5, idle=60, request=60)
    async with served(folder, limits) as (server, pages), asyncio.timeout(60):
        streams = [await asyncio.open_connection(*server.address) for _ in range(20)]
        for reader, writer in streams:
            writer.write(said)
            try:
                while await reader.read(65536):
                    pass
            except ConnectionError:
                pass
            writer.close()
        assert pages.connections is not None
        while len(pages.connections):  # noqa: ASYNC110 - the client may see the end first
            await asyncio.sleep(0.01)


async def test_silent_handshakes_keep_no_one_out(certificate: Certificate) -> None:
    limits = ConnectionLimits(20, header=60, idle=60, request=60)
    async with served(certificate.cert_file.parent, limits) as (server, _), asyncio.timeout(60):
        streams = [await asyncio.open_connection(*server.address) for _ in range(60)]
        for _, writer in streams:
            writer.write(client_hello()[:100])
        url = f"https://localhost:{server.address[1]}/metrics"
        assert (await _get(url, _client(certificate)))[0] == 200
        for _, writer in streams:
            writer.close()


def test_no_client_has_a_handshake_made_anew(certificate: Certificate) -> None:
    _, context = read_web_config(_written(certificate.cert_file.parent, TLS))
    assert context is not None
    assert context.options & ssl.OP_NO_RENEGOTIATION
