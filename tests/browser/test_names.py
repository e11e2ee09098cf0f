"""Names of relays and STUN servers as Chromium looks them up: by UDP, in small letters alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.runner import run_check
from probe.kinds import allocation, call, stun, turn
from tests.browser.browser import SCRIPT, Browser, Server, page_with
from tests.servers.chromium import Chromiums
from tests.turn.turn_lab import PASSWORD, USERNAME, TurnLab, turn_lab

# Where a name leads to this machine, no name server is needed.
RESOLVED = {
    "turn:localhost": True,
    "turn:sub.localhost": True,
    "turn:[localhost]": True,
    "turn:[127.0.0.1]": True,
    "turn:0x7f.1": True,
    "turn:LOCALHOST": False,
    "turn:Sub.localhost": False,
    "turn:b\u00fccher.localhost": False,
    "turn:\uff58.localhost": False,
}
BY_TCP = ("turn:LOCALHOST", "turn:Sub.localhost")


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[TurnLab]:
    """A relay on this machine."""
    async with turn_lab(tmp_path) as started:
        yield started


@pytest.fixture
async def page(chromiums: Chromiums) -> AsyncIterator[Browser]:
    """A page that can call."""
    async with chromiums().window() as tab, page_with(tab, SCRIPT):
        yield Browser(tab)


def _url(name: str, lab: TurnLab, way: str) -> str:
    port = lab.url(way).rpartition(":")[2].partition("?")[0]
    return f"{name}:{port}?transport={way}"


async def _connects(page: Browser, url: str) -> bool:
    servers = [Server([url], USERNAME, PASSWORD)]
    return (await page.call(servers, echoes=1, limit=5)).opened


async def _cause(kind: Kind[Any, Any], url: str) -> Cause | None:
    login = {} if kind is stun.KIND else {"username": USERNAME, "password": PASSWORD}
    table = kind.table.model_validate({"name": "check", "url": url, "deadline": 5, **login})
    context = Context()
    result = await run_check(Check(kind, table), context)
    assert await context.closing.drain(timeout=20) == 0
    return result.failure.cause if result.failure else None


@pytest.mark.parametrize("name", RESOLVED)
async def test_chromium_looks_a_name_up_by_udp(name: str, lab: TurnLab, page: Browser) -> None:
    assert await _connects(page, _url(name, lab, "udp")) is RESOLVED[name]


@pytest.mark.parametrize("name", BY_TCP)
async def test_by_tcp_every_name_is_looked_up(name: str, lab: TurnLab, page: Browser) -> None:
    url = _url(name, lab, "tcp")
    connects, cause = await asyncio.gather(_connects(page, url), _cause(turn.KIND, url))
    assert connects
    assert cause is None


@pytest.mark.parametrize("kind", [turn.KIND, call.KIND, allocation.KIND], ids=lambda it: it.name)
@pytest.mark.parametrize("name", [name for name in RESOLVED if "[" not in name])
async def test_a_relay_has_the_names_that_chromium_looks_up(
    name: str,
    kind: Kind[Any, Any],
    lab: TurnLab,
) -> None:
    expected = None if RESOLVED[name] else Cause.DNS_FAILED
    assert await _cause(kind, _url(name, lab, "udp")) is expected


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "Sub.localhost"])
async def test_so_has_a_stun_server(name: str, lab: TurnLab) -> None:
    url = _url(f"stun:{name}", lab, "udp").partition("?")[0]
    assert await _cause(stun.KIND, url) is (None if name == "localhost" else Cause.DNS_FAILED)


async def test_the_hint_says_how_to_write_it(lab: TurnLab) -> None:
    port = lab.url("udp").rpartition(":")[2].partition("?")[0]
    for name, hint in (
        ("Turn.Example.org", "turn.example.org"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
    ):
        result = await run_check(lab.check(url=f"turn:{name}:{port}"), Context())
        assert result.failure is not None
        assert (result.failure.phase, result.failure.cause) == ("dns", Cause.DNS_FAILED)
        assert hint in (result.failure.hint or "")
