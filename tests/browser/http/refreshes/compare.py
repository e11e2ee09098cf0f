"""Chromium and the ``http`` check beside each other."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.browser.http.asking import trusting_tab
from tests.browser.http.refreshes.rows import RefreshRow
from tests.browser.http.refreshes.server import serving
from tests.servers.chromium import Tab

__all__ = ["GROUPS", "outcome_of_chromium", "outcome_of_probe", "tab"]

GROUPS = "group of pages"
_MANY = 25
"""Pages in a row, after which there is no end."""
_LONG = 10.0
"""Seconds that a page is there, after which where it leads is not waited for."""
_LOADING = {"Page.frameStartedLoading": True, "Page.frameStoppedLoading": False}


def tab(folder: Path) -> AbstractAsyncContextManager[Tab]:
    """A browser."""
    return trusting_tab(folder)


async def outcome_of_chromium(row: RefreshRow, asking: Tab, folder: Path) -> str:
    """What the user has in the end: ``ok``, a status code, an error, or no end."""
    async with serving(row.answers) as origin:
        await asking.open("about:blank")
        asking.events.clear()
        await asking.call("Page.navigate", url=f"{origin}/")
        async with asyncio.timeout(60):
            while not _stays(asking, origin):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        found = _end(asking)
        await asking.open("about:blank")
    asking.events.clear()
    return found


def _stays(asking: Tab, origin: str) -> bool:
    """Whether the page is there, and is not about to lead elsewhere; Chromium says so."""
    if len([*_pages(asking)]) >= _MANY:
        return True
    if _is_blank(asking):
        return True
    is_loading, leads, begun, here = True, False, False, ""
    for name, event in asking.events:
        begun = begun or (name == "Page.frameStartedNavigating" and event["url"].startswith(origin))
        if not begun:
            continue
        is_loading = _LOADING.get(name, is_loading)
        if name == "Page.frameStartedNavigating":
            here = event["url"]
        elif name == "Page.frameScheduledNavigation":
            # A page that reloads itself after a while is there.
            leads = event["delay"] <= _LONG and not (event["delay"] and event["url"] == here)
        elif name == "Page.frameClearedScheduledNavigation":
            leads = False
    return begun and not is_loading and not leads


def _is_blank(asking: Tab) -> bool:
    """Whether it led to no page at all."""
    navigating = asking.events_of("Page.frameStartedNavigating")
    return bool(navigating) and navigating[-1]["url"].startswith("about:blank")


def _pages(asking: Tab) -> Iterator[dict[str, Any]]:
    """The requests for pages, without those of frames and redirects."""
    for sent in asking.events_of("Network.requestWillBeSent"):
        if sent["type"] == "Document" and sent["requestId"] == sent["loaderId"]:
            yield sent


def _end(asking: Tab) -> str:
    pages = [each["requestId"] for each in _pages(asking)]
    if len(pages) >= _MANY:
        return "no end"
    if _is_blank(asking):
        return "a blank page"
    found = "nothing"
    for name, event in asking.events:
        if event.get("requestId") not in pages:
            continue
        if name == "Network.responseReceived":
            found = "ok" if event["response"]["status"] == 200 else f"{event['response']['status']}"
        # Where another program has to open it, the page stays.
        if name == "Network.loadingFailed" and event["errorText"] != "net::ERR_ABORTED":
            found = str(event["errorText"]).removeprefix("net::")
    return found


async def outcome_of_probe(row: RefreshRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with serving(row.answers) as origin:
        table = {"name": "page", "url": f"{origin}/", "deadline": 20, "status": [200]}
        result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value
