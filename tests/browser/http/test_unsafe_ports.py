"""Ports that Chromium refuses to ask are a failure before anything is asked."""

from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds import http, signaling
from probe.net.fetch.unsafe_ports import UNSAFE_PORTS
from tests.servers.chromium import Chromium
from tests.servers.pages import Pages, closed_port, says

# Beside what is refused, and closed on loopback.
ASKED = (2, 24, 81, 444, 602, 4190, 6001, 6679, 6698, 10081)


@pytest.mark.proof
@pytest.mark.parts
async def test_chromium_refuses_these_ports_and_no_others(tmp_path: Path) -> None:
    refused = set()
    async with Chromium(tmp_path) as chromium, await chromium.tab() as tab:
        for port in (*UNSAFE_PORTS, *ASKED):
            answer = await tab.call("Page.navigate", url=f"http://127.0.0.1:{port}/")
            if answer.get("errorText") == "net::ERR_UNSAFE_PORT":
                refused.add(port)
    assert refused == UNSAFE_PORTS


@pytest.mark.parametrize("port", [22, 5060, 6000, 6667, 10080])
async def test_a_page_there_fails_with_the_port_named(port: int) -> None:
    table = {"name": "page", "url": f"http://127.0.0.1:{port}/", "deadline": 5}
    result = await run_check(Check(http.KIND, http.HttpTable.model_validate(table)), Context())
    assert result.status is Status.FAILED
    assert result.failure is not None
    assert result.failure.cause is Cause.PORT_BLOCKED
    assert str(port) in result.failure.message


async def test_a_redirect_there_fails_too() -> None:
    head = b"HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:6666/\r\nContent-Length: 0\r\n\r\n"
    async with Pages(says(head)) as pages:
        table = {"name": "page", "url": pages.url, "deadline": 5}
        result = await run_check(Check(http.KIND, http.HttpTable.model_validate(table)), Context())
    assert result.failure is not None
    assert result.failure.cause is Cause.PORT_BLOCKED


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_session_there_fails_too(transport: str) -> None:
    table = {"name": "s", "url": "http://127.0.0.1:6667", "jwt_secret": "x" * 40, "deadline": 5}
    check = Check(
        signaling.KIND, signaling.KIND.table.model_validate({**table, "transport": transport})
    )
    result = await run_check(check, Context())
    assert result.failure is not None
    assert result.failure.cause is Cause.PORT_BLOCKED


async def test_other_ports_are_asked() -> None:
    table = {"name": "page", "url": f"http://127.0.0.1:{closed_port()}/", "deadline": 5}
    result = await run_check(Check(http.KIND, http.HttpTable.model_validate(table)), Context())
    assert result.failure is not None
    assert result.failure.cause is Cause.CONNECT_REFUSED
