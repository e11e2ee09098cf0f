"""The probe takes odd WebSocket servers as socket.io-client in Chromium does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.browser.odd.compare_signaling import cause_of, page, said_of_page
from tests.browser.odd.websocket_frames import ODD_SOCKETS
from tests.browser.odd.websocket_rows import FAILS, READY, OddSocket
from tests.browser.odd.websocket_server import odd_websocket
from tests.browser.sides import table_row

PAGE = Path(__file__).parents[3] / "docs" / "browser.md"
HEADER = ("WebSocket server", "socket.io-client in Chromium", "`signaling`", "why")
ORIGIN = "http://127.0.0.1:9"
AT_ONCE = 6


async def _differing(one: Callable[[OddSocket], Awaitable[str]]) -> list[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def within(socket: OddSocket) -> str:
        async with slots:
            return await one(socket)

    return [each for each in await asyncio.gather(*map(within, ODD_SOCKETS)) if each]


@pytest.mark.proof
@pytest.mark.parts
async def test_a_page_experiences_each_as_it_is_written_down(tmp_path: Path) -> None:
    async with page(tmp_path) as (tab, _):

        async def one(socket: OddSocket) -> str:
            async with odd_websocket(socket.bends) as url:
                said = await said_of_page(tab, url, {"transports": ["websocket"]})
            found = READY if said == "ready" else FAILS
            return "" if found == socket.chromium else f"{socket.name}: {said}"

        assert await _differing(one) == []


async def test_the_check_says_of_each_what_is_written_down() -> None:
    async def one(socket: OddSocket) -> str:
        async with odd_websocket(socket.bends) as url:
            found = await cause_of(url, origin=ORIGIN, transport="websocket")
        return "" if found == socket.probe else f"{socket.name}: {found}"

    assert await _differing(one) == []


def test_where_page_and_check_part_the_table_says_why() -> None:
    parted = [each for each in ODD_SOCKETS if (each.chromium == READY) != (each.probe == "ok")]
    assert [each.name for each in parted if not each.why] == []


def test_the_page_has_a_row_for_each() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*HEADER)) + 2
    assert lines[start : start + len(ODD_SOCKETS)] == [row(each) for each in ODD_SOCKETS]


def row(socket: OddSocket) -> str:
    """The line of the table in docs/browser.md."""
    probe = socket.probe if socket.probe == "ok" else f"`{socket.probe}`"
    return table_row(socket.name, socket.chromium, probe, socket.why)
