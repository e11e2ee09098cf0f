"""Chromium and the ``http`` check beside each other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest import mock

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from probe.net import http
from probe.net.resolver import Address, resolve
from tests.browser.http.policies.rows import PolicyRow
from tests.browser.http.policies.server import HOST, Site, certificate, serving
from tests.browser.scenarios import spki_of
from tests.servers.chromium import Chromium, Tab

__all__ = ["GROUPS", "outcome_of_chromium", "outcome_of_probe", "tab"]

GROUPS = "group of pages with policies"
_FORBIDDEN, _MANY = "NotAllowedError", 20
_GRANTED = ["audioCapture", "videoCapture"]
_SITES: dict[Path, Site] = {}


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that has a camera, and whose user lets every page use it."""
    async with serving(folder) as site:
        flags = (
            f"--ignore-certificate-errors-spki-list={spki_of(certificate(folder))}",
            f"--host-resolver-rules={', '.join(site.rules)}",
            "--use-fake-device-for-media-stream",
        )
        _SITES[folder] = site
        async with Chromium(folder, *flags) as chromium:
            asking = await chromium.tab()
            await asking.call("Browser.grantPermissions", permissions=_GRANTED)
            yield asking
        del _SITES[folder]


async def outcome_of_chromium(row: PolicyRow, asking: Tab, folder: Path) -> str:
    """``ok`` where the page's script can call, or how far it gets."""
    found = await _visit(row, asking, _SITES[folder])
    if found != _FORBIDDEN:
        return found
    # What a page forbids itself Chromium keeps for a moment, for the next of its origin.
    for _ in range(_MANY):
        if await _visit(PolicyRow("", "", url=row.url), asking, _SITES[folder]) == "ok":
            break
    return await _visit(row, asking, _SITES[folder])


async def _visit(row: PolicyRow, asking: Tab, site: Site) -> str:
    site.page = row.page(site)
    asking.events.clear()
    answer = await asking.call("Page.navigate", url=site.filled(row.url))
    if "errorText" in answer:
        return str(answer["errorText"]).removeprefix("net::")
    async with asyncio.timeout(60):
        while not asking.events_of("Page.loadEventFired"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    try:
        return str(await asking.evaluate("window.outcome ?? 'no script'"))
    except RuntimeError:
        return "no script"


async def outcome_of_probe(row: PolicyRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(folder) as site:
        site.page = row.page(site)
        table = {
            "name": "page",
            "url": site.filled(row.url),
            "status": [200],
            "deadline": 20,
            "ca_file": certificate(folder),
            "video_calls": True,
            "connects_to": [site.filled(each) for each in row.connects],
        }
        with _all_names_at(site):
            result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value


@contextmanager
def _all_names_at(site: Site) -> Iterator[None]:
    async def here(host: str, port: int) -> list[Address]:
        is_ours = host.endswith((".test", ".example.com"))
        return await resolve(HOST, site.port(host, port)) if is_ours else await resolve(host, port)

    with mock.patch.object(http, "resolve", here):
        yield
