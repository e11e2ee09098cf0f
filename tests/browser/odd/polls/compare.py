"""One server of odd polls: a page in Chromium, and the check."""

from tests.browser.odd.compare_signaling import cause_of, said_of_page
from tests.browser.odd.polls.rows import PollRow
from tests.browser.odd.polls.server import odd_polls
from tests.servers.chromium import Tab

GROUPS = "group of polls"
_ORIGIN = "http://127.0.0.1:9"


async def outcome_of_chromium(row: PollRow, tab: Tab) -> str:
    """``ready``, or how the session ended."""
    async with odd_polls(row.polled, row.posted) as url:
        return await said_of_page(tab, url, {"transports": ["polling"]})


async def outcome_of_probe(row: PollRow) -> str:
    """``ok``, or the cause."""
    async with odd_polls(row.polled, row.posted) as url:
        return await cause_of(url, origin=_ORIGIN, transport="polling")
