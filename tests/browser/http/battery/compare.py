"""Chromium and the ``http`` check beside each other, and the table of docs/browser.md."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.browser.http.battery.rows import Row
from tests.browser.http.battery.serving import serving
from tests.browser.http.test_situations import of_chromium
from tests.browser.http.tls_servers import certificate
from tests.servers.chromium import Chromium, Tab

HEADER = "| group | rows | taken by both | refused by both | differ, with their reason |"
RULE = "|---|---|---|---|---|"


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that takes the certificate of the servers."""
    async with Chromium(folder, "--ignore-certificate-errors") as chromium:
        yield await chromium.tab()


async def outcome_of_chromium(row: Row, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with serving(row, folder) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: Row, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row, folder) as url:
        table = {"name": "page", "url": url, "deadline": 30}
        if row.is_http2:
            table["ca_file"] = certificate(folder, "p-256")
        result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value


async def outcomes_of_probe(rows: Sequence[Row], folder: Path) -> dict[str, str]:
    """By the names of the rows, some at a time."""
    found: dict[str, str] = {}
    waiting = asyncio.Semaphore(8)

    async def ask(row: Row) -> None:
        async with waiting:
            found[row.name] = await outcome_of_probe(row, folder)

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(ask(row))
    return found


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
