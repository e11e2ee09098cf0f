"""Sessions with a server of Node that speaks HTTP/2: polls go by it, WebSockets need HTTP/1.1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import requirements
from tests.browser.http.visits.servers import certificate
from tests.browser.odd.compare_signaling import cause_of, page, said_of_page
from tests.browser.scenarios import spki_of

SCRIPT = Path(__file__).parents[3] / "servers" / "node" / "http2.mjs"
READY, NO_SOCKET = "ready", "connect_error: websocket error"


@asynccontextmanager
async def serving(folder: Path, mode: str) -> AsyncIterator[str]:
    node = requirements.program("node", part="socket.io")
    command = (node, str(SCRIPT), str(certificate(folder)), mode)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"https://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.proof
@pytest.mark.parts
@pytest.mark.parametrize(
    ("mode", "transports", "said", "cause"),
    [
        ("both", ("polling", "websocket"), READY, "ok"),
        ("both", ("websocket",), READY, "ok"),
        ("both", ("polling",), READY, "ok"),
        ("h2only", ("polling", "websocket"), READY, "ok"),
        ("h2only", ("websocket",), NO_SOCKET, "tls_failed"),
        ("h2only", ("polling",), READY, "ok"),
    ],
)
async def test_a_page_and_the_check_have_the_same_session(
    tmp_path: Path, mode: str, transports: tuple[str, ...], said: str, cause: str
) -> None:
    flag = f"--ignore-certificate-errors-spki-list={spki_of(certificate(tmp_path))}"
    async with serving(tmp_path, mode) as url, page(tmp_path, flag) as (tab, origin):
        assert await said_of_page(tab, url, {"transports": list(transports)}) == said
        table = {"transport": transports[0], "ca_file": certificate(tmp_path)}
        assert await cause_of(url, origin=origin, **table) == cause
