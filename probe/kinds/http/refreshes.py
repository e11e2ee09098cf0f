"""Where a page leads its users by itself (``Refresh``), as far as that is one visit to them.

What a browser follows within 5 s is followed at once. A page that reloads itself after a while, or
is one of several that take turns, is there for its users; one that does so at once never is.
"""

import asyncio
import re
import time

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.engineio.response_text import response_text
from probe.net.fetch.redirect import REDIRECT, Response
from probe.net.fetch.web_address import web_address
from probe.net.flow.pace import ReadPace
from probe.untrusted.html_refresh import Refresh, parse_refresh, refreshes_in, sooner

MAX_REFRESHES = 9
LATEST_SECONDS = 5
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
# Without a type a browser finds out by what it begins with.
_HTML = ("text/html", "application/xhtml+xml", "")


def may_hold_elements(page: Response) -> bool:
    """Whether its body is one in which a browser looks for elements."""
    kind = page.response.headers.get("Content-Type", "").partition(";")[0]
    return kind.strip(" \t").lower() in _HTML


class Refreshes:
    """Those of one visit."""

    def __init__(self) -> None:
        self._seen: set[URL] = set()
        self._followed = 0

    async def following(self, page: Response, body: bytes) -> URL | None:
        """Where the page leads; None for one that stays. Others run meanwhile.

        Raises CheckFailed(too_many_redirects, protocol_error) for one that users never get to.
        """
        here = page.url.with_fragment(None)
        self._seen.add(here)
        found = await _refresh_of(page, body)
        if found is None or found.delay > LATEST_SECONDS:
            return None
        address = _address_of(found, here)
        if address is None or (found.delay and address in self._seen):
            return None
        if self._followed == MAX_REFRESHES:
            if found.delay:
                return None
            message = f"{MAX_REFRESHES} pages in a row lead elsewhere at once (Refresh)"
            raise CheckFailed(Cause.TOO_MANY_REDIRECTS, message, phase=REDIRECT)
        self._followed += 1
        return address


async def _refresh_of(page: Response, body: bytes) -> Refresh | None:
    headers = page.response.headers
    found = parse_refresh(", ".join(headers.getall("Refresh", [])))
    if not may_hold_elements(page):
        return found
    pace, began = ReadPace(), time.thread_time()
    for each in refreshes_in(response_text(body, headers.get("Content-Type", ""))):
        found = sooner(found, each)
        if each is None:
            await asyncio.sleep(pace.charge(time.thread_time() - began, is_full=False))
            began = time.thread_time()
    return found


def _address_of(refresh: Refresh, page: URL) -> URL | None:
    """None where the page stays: for a place within it, and for what another program opens or no
    page may lead to. Raises CheckFailed(protocol_error) where a blank one takes its place."""
    scheme = _SCHEME.match(refresh.address)
    if scheme is not None and scheme[0].lower() not in ("http:", "https:", "about:"):
        return None
    try:
        base = web_address(refresh.base, page) if refresh.base else page
        address = web_address(refresh.address, base)
    except ValueError:
        message = "it leads to something that is not a web address (Refresh)"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message, phase=REDIRECT) from None
    is_within = bool(address.raw_fragment) and address.with_fragment(None) == page
    return None if is_within else address.with_fragment(None)
