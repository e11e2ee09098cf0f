"""Chromium and the ``http`` check beside each other."""

from pathlib import Path

from tests.browser.http.alpn.rows import AlpnRow
from tests.browser.http.alpn.server import serving
from tests.browser.http.asking import outcome_of_check, trusting_tab
from tests.browser.http.test_situations import of_chromium
from tests.browser.http.tls_servers import certificate
from tests.servers.chromium import Tab

GROUPS = "group of protocols"
tab = trusting_tab


async def outcome_of_chromium(row: AlpnRow, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with serving(row.choice, folder) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: AlpnRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.choice, folder) as url:
        return await outcome_of_check(url, certificate(folder, "p-256"))
