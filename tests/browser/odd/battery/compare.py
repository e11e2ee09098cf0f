"""One odd server of the rows, two clients: socket.io-client in Chromium, and the check."""

from contextlib import AbstractAsyncContextManager

from msgspec import structs

from tests.browser.odd.battery.rows import Row
from tests.browser.odd.compare_signaling import cause_of, said_of_page
from tests.browser.odd.signaling_server import SignalingBends, odd_signaling
from tests.browser.odd.websocket_server import odd_websocket
from tests.servers.chromium import Tab

ORIGIN = "http://127.0.0.1:9"
GROUPS = "group of odd servers"


def serving(row: Row) -> AbstractAsyncContextManager[str]:
    """The address of a server that behaves so."""
    bends = row.bends
    return odd_signaling(bends) if isinstance(bends, SignalingBends) else odd_websocket(bends)


async def outcome_of_chromium(row: Row, tab: Tab) -> str:
    """``ready``, or how the session ended on a page."""
    options = {"transports": ["websocket"]} if row.over == "websocket" else {}
    async with serving(row) as url:
        return await said_of_page(tab, url, options)


async def outcome_of_probe(row: Row) -> str:
    """``ok``, or the cause."""
    async with serving(row) as url:
        return await cause_of(url, origin=ORIGIN, transport=row.over)


def with_outcome(row: Row, found: str) -> Row:
    """The row with what Chromium made of it now."""
    return structs.replace(row, chromium=found)
