"""One course: a page in Chromium whose client reconnects, and the check."""

from tests.browser.odd.compare_signaling import cause_of, said_of_page
from tests.browser.odd.courses.rows import CourseRow
from tests.browser.odd.courses.server import course_server
from tests.servers.chromium import Tab

GROUPS = "group of courses"
DEADLINE, LIMIT = 10, 9000
"""Seconds of the check, and milliseconds of the page."""
_ORIGIN = "http://127.0.0.1:9"


async def outcome_of_chromium(row: CourseRow, tab: Tab) -> str:
    """``ready``, or what the last attempt ended with."""
    transports = ["websocket"] if row.over == "websocket" else ["polling", "websocket"]
    options = {"reconnection": True, "transports": transports}
    async with course_server(row.course) as url:
        return await said_of_page(tab, url, options, limit=LIMIT)


async def outcome_of_probe(row: CourseRow) -> str:
    """``ok``, or the cause."""
    async with course_server(row.course) as url:
        return await cause_of(url, origin=_ORIGIN, transport=row.over, deadline=DEADLINE)
