"""Sessions with a server of Node that speaks HTTP/2: polls go by it, WebSockets need HTTP/1.1 but
where the server announces them by HTTP/2 and the page's polls carry credentials (RFC 8441)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.signaling import KIND
from tests import requirements
from tests.browser.http.visits.servers import certificate
from tests.browser.odd.compare_signaling import cause_of, page, said_of_page, transport_of_page
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


@pytest.mark.proof
@pytest.mark.parts
@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    ("mode", "shared"), [("both", "websocket"), ("tunnels", "websocket"), ("claims", "polling")]
)
async def test_a_session_goes_over_to_what_a_page_goes_over_to(
    tmp_path: Path, mode: str, shared: str, credentials: bool
) -> None:
    flag = f"--ignore-certificate-errors-spki-list={spki_of(certificate(tmp_path))}"
    expected = shared if credentials else "websocket"
    async with serving(tmp_path, mode) as url, page(tmp_path, flag) as (tab, origin):
        options = {"withCredentials": credentials}
        assert await transport_of_page(tab, url, options) == expected
        table = {"origin": origin, "with_credentials": credentials, "url": url}
        assert await transport_of_check(tmp_path, table) == expected


async def transport_of_check(folder: Path, table: dict[str, Any]) -> str:
    given = {"name": "signaling", "jwt_secret": "x" * 40, "deadline": 6, **table}
    given |= {"transport": "polling", "ca_file": certificate(folder)}
    context = Context()
    result = await run_check(Check(KIND, KIND.table.model_validate(given)), context)
    await context.closing.drain(timeout=2)
    assert result.failure is None
    return result.facts["transport"]
