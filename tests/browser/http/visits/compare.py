"""Chromium and the ``http`` check beside each other."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from unittest import mock

from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.asking import outcome_of_check, tab_of_names
from tests.browser.http.test_situations import of_chromium
from tests.browser.http.visits.rows import VisitRow
from tests.browser.http.visits.servers import HOST, certificate, serving
from tests.servers.chromium import Tab

GROUPS = "group of visits"


def tab(folder: Path) -> AbstractAsyncContextManager[Tab]:
    """A browser that finds all names on this machine."""
    return tab_of_names(folder, certificate(folder), f"*.test {HOST}")


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
