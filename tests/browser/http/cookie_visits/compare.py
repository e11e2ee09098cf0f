"""Chromium and the ``http`` check beside each other."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest import mock

from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.asking import outcome_of_check
from tests.browser.http.cookie_visits.rows import CookieVisit
from tests.browser.http.cookie_visits.server import HERE, certificate, serving
from tests.browser.http.test_situations import of_chromium
from tests.browser.scenarios import spki_of
from tests.servers.chromium import Chromium, Tab

GROUPS = "group of cookies"


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that takes the certificate, and finds all names on this machine."""
    flags = (
        f"--ignore-certificate-errors-spki-list={spki_of(certificate(folder))}",
        f"--host-resolver-rules=MAP * {HERE}",
    )
    async with Chromium(folder, *flags) as chromium:
        yield await chromium.tab()


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
