"""Chromium and the ``http`` check beside each other."""

from pathlib import Path

from tests.browser.http.asking import outcome_of_check, trusting_tab
from tests.browser.http.test_situations import of_chromium
from tests.browser.http.tls_servers import certificate
from tests.browser.http.visits_http2.rows import Http2Row
from tests.browser.http.visits_http2.server import serving
from tests.servers.chromium import Tab

GROUPS = "group of visits by HTTP/2"
tab = trusting_tab


async def outcome_of_chromium(row: Http2Row, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with serving(row.server, folder) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: Http2Row, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.server, folder) as url:
        return await outcome_of_check(url, certificate(folder, "p-256"))
