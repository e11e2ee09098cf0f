"""What answers on a port that Chromium refuses to ask is a failure."""

import pytest
from yarl import URL

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import CheckFailed, Failure
from probe.core.runner import run_check
from probe.kinds import http
from probe.net.address import unsafe_ports
from probe.net.address.unsafe_ports import UNSAFE_PORTS, check_port
from tests.browser.odd.compare_signaling import cause_of
from tests.browser.odd.signaling_server import SignalingBends, odd_signaling
from tests.servers.chromium import Tab
from tests.servers.pages import Pages, answers, says

# Besides what is refused, and closed on loopback.
ASKED = (2, 24, 81, 444, 602, 4190, 6001, 6679, 6698, 10081)


@pytest.mark.proof
@pytest.mark.parts
async def test_chromium_refuses_these_ports_and_no_others(tab: Tab) -> None:
    refused = set()
    for port in (*UNSAFE_PORTS, *ASKED):
        answer = await tab.call("Page.navigate", url=f"http://127.0.0.1:{port}/")
        if answer.get("errorText") == "net::ERR_UNSAFE_PORT":
            refused.add(port)
    assert refused == UNSAFE_PORTS


async def _page(url: str) -> Failure:
    table = {"name": "page", "url": url, "deadline": 5}
    result = await run_check(Check(http.KIND, http.HttpTable.model_validate(table)), Context())
    assert result.failure is not None
    return result.failure


@pytest.mark.parametrize("port", [22, 5060, 6000, 6667, 10080])
def test_these_are_among_them(port: int) -> None:
    with pytest.raises(CheckFailed, match=str(port)):
        check_port(URL(f"https://host:{port}/"))
    check_port(URL(f"https://host:{port + 1000}/"))


async def test_a_page_and_a_redirect_there_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Pages(answers()) as pages:
        monkeypatch.setattr(unsafe_ports, "UNSAFE_PORTS", frozenset({pages.port}))
        assert (await _page(pages.url)).cause is Cause.PORT_BLOCKED
        head = f"HTTP/1.1 302 F\r\nLocation: {pages.url}\r\nContent-Length: 0\r\n\r\n"
        async with Pages(says(head.encode())) as first:
            assert (await _page(first.url)).cause is Cause.PORT_BLOCKED


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_session_there_fails_too(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with odd_signaling(SignalingBends()) as url:
        monkeypatch.setattr(unsafe_ports, "UNSAFE_PORTS", frozenset({URL(url).port}))
        found = await cause_of(url, origin="http://127.0.0.1:9", transport=transport)
    assert found == Cause.PORT_BLOCKED.value


@pytest.mark.parametrize("port", [1, 9])
async def test_what_does_not_answer_there_has_a_reason_of_its_own(port: int) -> None:
    assert (await _page(f"http://127.0.0.1:{port}/")).cause is Cause.CONNECT_REFUSED
