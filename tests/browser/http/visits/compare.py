"""Chromium and the ``http`` check beside each other."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest import mock

from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.asking import outcome_of_check
from tests.browser.http.test_situations import of_chromium
from tests.browser.http.visits.rows import VisitRow
from tests.browser.http.visits.servers import HOST, certificate, serving
from tests.browser.scenarios import spki_of
from tests.servers.chromium import Chromium, Tab

GROUPS = "group of visits"


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that takes the certificate, and finds all names on this machine."""
    flags = (
        f"--ignore-certificate-errors-spki-list={spki_of(certificate(folder))}",
        f"--host-resolver-rules=MAP *.test {HOST}",
    )
    async with Chromium(folder, *flags) as chromium:
        yield await chromium.tab()


async def outcome_of_chromium(row: VisitRow, asking: Tab, folder: Path) -> str:
    """What a user sees."""
    async with serving(row.servers, row.start, row.number, folder) as url:
        found = await of_chromium(url, asking)
    asking.events.clear()
    return found


async def outcome_of_probe(row: VisitRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.servers, row.start, row.number, folder) as url:
        with all_names_here():
            return await outcome_of_check(url, certificate(folder))


@contextmanager
def all_names_here() -> Iterator[None]:
    """Whatever ends in .test is on this machine."""

    async def here(host: str, port: int) -> list[Address]:
        return await resolve(HOST if host.endswith(".test") else host, port)

    with mock.patch.object(http, "resolve", here):
        yield
