"""Chromium and the ``http`` check beside each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.browser.http.asking import outcome_of_check
from tests.browser.http.families.rows import FamilyRow
from tests.browser.http.families.server import certificate, two_families
from tests.browser.http.test_situations import of_chromium
from tests.browser.scenarios import spki_of
from tests.servers.chromium import Chromium, Tab

GROUPS = "group of names"


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that takes the certificate of ``localhost``."""
    flag = f"--ignore-certificate-errors-spki-list={spki_of(certificate(folder, 'localhost'))}"
    async with Chromium(folder, flag) as chromium:
        yield await chromium.tab()


async def outcome_of_chromium(row: FamilyRow, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with two_families(row.manners, folder, tls=row.tls) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: FamilyRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with two_families(row.manners, folder, tls=row.tls) as url:
        return await outcome_of_check(url, certificate(folder, "localhost"))
