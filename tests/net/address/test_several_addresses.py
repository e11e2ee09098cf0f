"""A name with several addresses: as many of them are asked as Chromium asks."""

import asyncio
import socket
from collections.abc import Callable, Sequence

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds import http
from probe.net import http as http_client
from probe.net.protocol import connect
from probe.net.resolver import Address
from tests.servers.middleboxes.dead import silent_ports
from tests.servers.pages import Pages, answers, closed_port

# What stands for each address of the name, and whether Chromium shows its page.
ROWS = {
    "good": True,
    "silent good": True,
    "good silent silent": True,
    "refuses good": True,
    "refuses refuses refuses refuses refuses refuses refuses refuses refuses good": True,
    "silent refuses good": True,
    "refuses silent good": True,
    "refuses silent refuses good": True,
    "silent good silent": True,
    "silent silent good": False,
    "refuses silent silent good": False,
    "silent refuses silent good": False,
}


def _addresses(row: str, good: int, silent: Sequence[int]) -> list[Address]:
    ports = _ports(row, good, silent)
    return [Address("127.0.0.1", port, socket.AF_INET) for port in ports]


def _ports(row: str, good: int, silent: Sequence[int]) -> list[int]:
    waiting = iter(silent)
    made: dict[str, Callable[[], int]] = {
        "good": lambda: good,
        "refuses": closed_port,
        "silent": lambda: next(waiting),
    }
    return [made[each]() for each in row.split()]


async def _cause(row: str, monkeypatch: pytest.MonkeyPatch) -> Cause | None:
    async with Pages(answers()) as pages:
        with silent_ports(row.split().count("silent")) as silent:
            addresses = _addresses(row, pages.port, silent)

            async def resolve(*_: object) -> list[Address]:
                return addresses

            monkeypatch.setattr(http_client, "resolve", resolve)
            given = {
                "name": "page",
                "url": "http://many.example.org/",
                "deadline": 20 if ROWS[row] else 1,
            }
            result = await run_check(
                Check(http.KIND, http.HttpTable.model_validate(given)), Context()
            )
    return result.failure.cause if result.failure else None


@pytest.mark.usefixtures("leaks")
@pytest.mark.parametrize("row", ROWS)
async def test_while_two_are_silent_a_page_waits(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "ATTEMPT_DELAY", 0.01)
    assert await _cause(row, monkeypatch) is (None if ROWS[row] else Cause.DEADLINE)


async def test_what_is_no_browser_asks_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "ATTEMPT_DELAY", 0.0)
    async with Pages(answers()) as pages:
        with silent_ports(2) as silent:
            addresses = _addresses("silent silent good", pages.port, silent)
            async with asyncio.timeout(30):
                (await connect.connect_tcp(addresses)).close()


async def test_of_several_refusals_all_are_named() -> None:
    addresses = _addresses("refuses refuses", 0, ())
    with pytest.raises(ConnectionRefusedError) as caught:
        await connect.connect_tcp(addresses)
    assert all(str(each.port) in str(caught.value) for each in addresses)
