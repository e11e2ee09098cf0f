"""Chromium and the ``http`` check beside each other."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from unittest import mock

from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.asking import outcome_of_check, tab_of_names
from tests.browser.http.cookie_visits.rows import CookieVisit
from tests.browser.http.cookie_visits.server import HERE, certificate, serving
from tests.browser.http.test_situations import of_chromium
from tests.servers.chromium import Tab

GROUPS = "group of cookies"


def tab(folder: Path) -> AbstractAsyncContextManager[Tab]:
    """A browser that finds all names on this machine."""
    return tab_of_names(folder, certificate(folder), f"* {HERE}")


async def outcome_of_chromium(row: CookieVisit, asking: Tab, folder: Path) -> str:
    """``ok`` where the cookie is sent, else 404."""
    async with serving(row.hops, folder) as url:
        found = await of_chromium(url, asking)
    await asking.call("Network.clearBrowserCookies")
    asking.events.clear()
    return found


async def outcome_of_probe(row: CookieVisit, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.hops, folder) as url:
        with _all_names_here():
            return await outcome_of_check(url, certificate(folder))


@contextmanager
def _all_names_here() -> Iterator[None]:
    async def here(_: str, port: int) -> list[Address]:
        return await resolve(HERE, port)

    with mock.patch.object(http, "resolve", here):
        yield
