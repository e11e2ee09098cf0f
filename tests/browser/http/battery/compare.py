"""Chromium and the ``http`` check beside each other, and the table of docs/browser.md."""

from collections.abc import AsyncIterator
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

GROUPS = "group"


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
        if row.is_tls:
            table["ca_file"] = certificate(folder, "p-256")
        result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value
