"""Why a member can't be asked is said in words that name what to mend."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerts.cluster.membership.client import InvalidAnswer, post_query
from tests.servers.certificate import make_certificate


@asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that speaks no HTTP; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"what?\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def problem_of(url: str) -> str:
    """Why a probe can't be asked."""
    with pytest.raises(InvalidAnswer) as raised:
        await post_query(url, b"{}", "0f-all-three-pr0bes")
    return str(raised.value)


async def test_nothing_listens_there() -> None:
    async with listening() as port:
        pass
    assert await problem_of(f"http://127.0.0.1:{port}/") == "connection refused"


async def test_what_listens_speaks_no_tls() -> None:
    async with listening() as port:
        found = await problem_of(f"https://127.0.0.1:{port}/")
    assert found == "the port does not speak TLS"


async def test_a_name_without_an_address() -> None:
    assert await problem_of("http://no-such-name.invalid/") == "the name can't be resolved"


async def test_a_certificate_that_no_known_authority_signed(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    async with listening(context) as port:
        found = await problem_of(f"https://127.0.0.1:{port}/")
    assert found == "the certificate is not accepted: unable to get local issuer certificate"
