"""One visit of a page: the answer that counts, wherever the first address leads."""

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from probe.core.model import CheckAborted
from probe.core.recorder import Recorder
from probe.kinds.http.settings import HttpTable
from probe.kinds.http.signals import HSTS, LENGTH, REDIRECTS, STATUS, VERSION
from probe.net.http_status import status_error
from probe.net.urls import show_url
from probe.paircam import health

if TYPE_CHECKING:
    from probe.net.fetch.page_fetch import PageFetch
    from probe.net.fetch.redirect import Response
    from probe.net.http import FreshHttpClient


class Answer(Struct, frozen=True, gc=False):
    """What is judged of a response: the body as far as it was read, and, where the script of a page
    asks, whether it may read it."""

    body: bytes
    page: "Response"
    fetch: "PageFetch | None"

    def check_readable(self) -> None:
        """Raise CheckFailed(cors_rejected) where browsers keep it from the page."""
        if self.fetch is not None:
            self.fetch.check(self.page.response.headers, self.page.url)


async def visit(table: HttpTable, record: Recorder, browser: "FreshHttpClient") -> Answer:
    """Get the page, and write down what was measured. Raises CheckAborted.

    Where a body is not judged, the page may lead elsewhere by itself, and its users see that.
    """
    answer = await _get(table.address, table, record, browser)
    if not table.follows_refreshes or not _may_refresh(answer):
        return answer
    from probe.kinds.http.refreshes import Refreshes

    refreshes, redirects = Refreshes(), answer.page.redirects
    while (following := await refreshes.following(answer.page, answer.body)) is not None:
        record.facts["refreshed to"] = show_url(str(following))
        answer = await _get(str(following), table, record, browser)
        redirects += answer.page.redirects
        record.sample(REDIRECTS, redirects)
    return answer


def _may_refresh(answer: Answer) -> bool:
    """False for nearly all pages, without reading them: in UTF-16 letters have zeros between."""
    body = answer.body
    return (
        "Refresh" in answer.page.response.headers or b"\0" in body or b"http-equiv" in body.lower()
    )


async def _get(
    address: str, table: HttpTable, record: Recorder, browser: "FreshHttpClient"
) -> Answer:
    from probe.kinds.http.refreshes import may_hold_elements
    from probe.net.fetch import security_headers
    from probe.net.fetch.page_fetch import PageFetch

    body, fetch = bytearray(), None
    if table.cors_origin is not None:
        fetch = PageFetch(table.cors_origin, credentials=table.cors_credentials)
    async with browser.open(address, max_redirects=table.followed_redirects, fetch=fetch) as page:
        record.sample(STATUS, page.response.status)
        record.sample(REDIRECTS, page.redirects)
        if page.repeated_because:
            record.facts["asked again"] = page.repeated_because
        record.sample(VERSION, float(".".join(str(part) for part in page.response.version)))
        if table.expect_hsts:
            record.sample(HSTS, security_headers.hsts_max_age(page))
        refused = _refused(page, table)
        length: int | None = None
        if refused is None and not table.judges_body:
            is_kept = table.needs_elements and may_hold_elements(page)
            length = await browser.skim(page, table.max_body_bytes, body if is_kept else None)
        elif refused is None or table.body in health.HEALTHY_STATUS:
            body += await browser.read(page, table.max_body_bytes)
            length = len(body)
        if table.body in health.HEALTHY_STATUS and (down := health.services_down(bytes(body))):
            record.facts[health.DOWN] = ", ".join(down)
        if refused is not None:
            raise (
                health.with_service_detail(refused, bytes(body))
                if table.body in health.HEALTHY_STATUS
                else refused
            )
    if length is not None:
        record.sample(LENGTH, length)
    return Answer(bytes(body), page, fetch)


def _refused(page: "Response", table: HttpTable) -> CheckAborted | None:
    status, headers = page.response.status, page.response.headers
    accepted = status in table.status if table.status else 200 <= status < 300
    if accepted:
        return None
    message = f"{page.url.host_port_subcomponent or ''} answers {_named(status)}"
    credential = "@" in urlsplit(table.address).netloc
    return status_error(status, message, phase="status", credential=credential, headers=headers)


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
