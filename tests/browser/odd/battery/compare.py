"""One odd server of the rows, two clients: socket.io-client in Chromium, and the check."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from tests.browser.odd.battery.rows import Row
from tests.browser.odd.compare_signaling import cause_of, said_of_page
from tests.browser.odd.signaling_server import SignalingBends, odd_signaling
from tests.browser.odd.websocket_server import odd_websocket
from tests.servers.chromium import Tab

ORIGIN = "http://127.0.0.1:9"
HEADER = (
    "| group of odd servers | rows | taken by both | refused by both | differ, with their reason |"
)
RULE = "|---|---|---|---|---|"
AT_ONCE = 8


def serving(row: Row) -> AbstractAsyncContextManager[str]:
    """The address of a server that behaves so."""
    bends = row.bends
    return odd_signaling(bends) if isinstance(bends, SignalingBends) else odd_websocket(bends)


async def outcome_of_chromium(row: Row, tab: Tab) -> str:
    """``ready``, or how the session ended on a page."""
    options = {"transports": ["websocket"]} if row.over == "websocket" else {}
    async with serving(row) as url:
        return await said_of_page(tab, url, options)


async def outcome_of_probe(row: Row) -> str:
    """``ok``, or the cause."""
    async with serving(row) as url:
        return await cause_of(url, origin=ORIGIN, transport=row.over)


async def outcomes(rows: Sequence[Row], one: Callable[[Row], Awaitable[str]]) -> dict[str, str]:
    """By the names of the rows, some at a time."""
    found: dict[str, str] = {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(row: Row) -> None:
        async with slots:
            found[row.name] = await one(row)

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(ask(row))
    return found


def with_outcome(row: Row, found: str) -> Row:
    """The row with what Chromium made of it now."""
    return dataclasses.replace(row, chromium=found)


def differing(rows: Sequence[Row], probe: dict[str, str]) -> list[str]:
    """Rows in which the verdicts differ without a reason, or do not differ in spite of one."""
    return [
        f"{row.name}: Chromium {row.chromium}, probe {probe[row.name]}"
        for row in rows
        if (row.is_taken == (probe[row.name] == "ok")) == bool(row.why)
    ]


def table(rows: Sequence[Row]) -> list[str]:
    """The table of docs/browser.md: rows in which both agree but for those with a reason."""
    lines = [HEADER, RULE]
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        same = [row for row in members if not row.why]
        taken = sum(row.is_taken for row in same)
        lines.append(
            f"| {group} | {len(members)} | {taken} | {len(same) - taken} "
            f"| {len(members) - len(same)} |"
        )
    return lines
