"""Records of TLS without content, and pieces of a byte, take no turn of the event loop long."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from probe.net.flow.tls_records import MAX_HANDSHAKE, MAX_RECORDS
from probe.web.connections import ConnectionLimits, ConnectionTable
from probe.web.connections.reads import SLICE
from probe.web.web_config import read_web_config
from tests.hostile.native_tls import NativeTls
from tests.servers.certificate import Certificate, make_certificate
from tests.web.test_tls_handshakes import TLS, client_hello, served
from tests.web.web_config.test_web_config import _client, _get, _written

LIMITS = ConnectionLimits(100, header=60, idle=60, request=60)
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


class NativeClient:
    """A client by OpenSSL itself."""

    def __init__(self, port: int, version: int) -> None:
        self._port, self.tls = port, NativeTls(None, version)

    async def begin(self) -> None:
        """A request that is answered."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.tls.take(b"")
        self.writer.write(self.tls.pending())
        answered, asked = b"", False
        while not answered.endswith(b"alive\n"):
            answered += await self.read()
            self.writer.write(self.tls.pending())
            if not asked:
                self.tls.write(ASK)
                self.writer.write(self.tls.pending())
                asked = True

    async def read(self) -> bytes:
        """What came, of all records."""
        data = await self.reader.read(65536)
        assert data
        found = self.tls.take(data)
        while more := self.tls.take(b""):
            found += more
        return found

    async def ended(self) -> None:
        """Until the server has closed it."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.writer.close()
        self.tls.close()


def _key_update(tls: NativeTls) -> None:
    tls.update_keys(requested=False)


def _key_update_with_answer(tls: NativeTls) -> None:
    tls.update_keys(requested=True)


@pytest.mark.parametrize("step", [_key_update, _key_update_with_answer])
async def test_key_updates_without_end_end_the_connection(
    certificate: Certificate, step: Callable[[NativeTls], None]
) -> None:
    async with served(certificate.cert_file.parent, LIMITS) as (server, _):
        client = NativeClient(server.address[1], 0)
        async with asyncio.timeout(60):
            await client.begin()
            flood = b""
            for _ in range(20 * MAX_RECORDS):
                step(client.tls)
                flood += client.tls.pending()
            client.writer.write(flood)
            await client.ended()
        url = f"https://localhost:{server.address[1]}/healthz"
        assert (await _get(url, _client(certificate)))[0] == 200


async def test_a_handshake_of_records_that_say_nothing_ends(certificate: Certificate) -> None:
    """TLS 1.3 takes change_cipher_spec records until the handshake is over (RFC 8446, 5)."""
    async with served(certificate.cert_file.parent, LIMITS) as (server, pages):
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(client_hello() + b"\x14\x03\x03\x00\x01\x01" * MAX_HANDSHAKE)
        async with asyncio.timeout(60):
            with suppress(ConnectionError):
                while await reader.read(65536):
                    pass
            assert pages.connections is not None
            while len(pages.connections):  # noqa: ASYNC110 - the client may see the end first
                await asyncio.sleep(0.01)
        writer.close()


class Recorder(asyncio.Protocol):
    """Keeps the pieces that it gets."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """One piece."""
        self.pieces.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        """No more comes."""
        self.ended.set()


@pytest.mark.parametrize("secure", [True, False])
async def test_what_comes_at_once_is_handled_in_pieces(
    certificate: Certificate, secure: bool
) -> None:
    path = _written(certificate.cert_file.parent, TLS)
    context = read_web_config(path)[1] if secure else None
    recorder = Recorder()
    table = ConnectionTable(lambda: recorder, LIMITS, lambda: context)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(table.new, "127.0.0.1", 0)
    client = _client(certificate) if secure else None
    name = "localhost" if secure else None
    sent = bytes(range(256)) * 4000
    async with server, asyncio.timeout(60):
        address = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*address, ssl=client, server_hostname=name)
        writer.write(sent)
        await writer.drain()
        writer.close()
        await recorder.ended.wait()
    assert b"".join(recorder.pieces) == sent
    # A record of TLS is decrypted as a whole.
    assert max(map(len, recorder.pieces)) <= (SLICE + 16384 if secure else SLICE)


async def test_large_requests_and_small_records_pass(certificate: Certificate) -> None:
    """A body in records of one byte each is slow, not empty."""
    async with served(certificate.cert_file.parent, LIMITS) as (server, _):
        client = NativeClient(server.address[1], 0)
        async with asyncio.timeout(60):
            await client.begin()
            for each in ASK * 20:
                client.tls.write(bytes([each]))
            client.writer.write(client.tls.pending())
            answered = b""
            while answered.count(b"alive\n") < 20:
                answered += await client.read()
        client.writer.close()
        client.tls.close()
