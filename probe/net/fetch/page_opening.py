"""A page and the redirects that lead to it, as ``async with client.open(…) as page``."""

from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Protocol

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.address.strict_transport import StrictTransport
from probe.net.address.unsafe_ports import check_port
from probe.net.cookies.cookies import CookieUse
from probe.net.fetch.page_fetch import PageFetch
from probe.net.fetch.redirect import REDIRECT, Response, redirect_target
from probe.net.fetch.redirect_cache import RedirectCache
from probe.net.fetch.web_address import web_address
from probe.net.protocol.exchange import HttpResponse

_MISDIRECTED = 421
_TOO_MANY_REQUESTS = 429


class Requests(Protocol):
    """What the pages are asked with; ``probe.net.http.FreshHttpClient`` is one."""

    async def start(
        self, method: str, address: URL, headers: Mapping[str, str], *, cookies: CookieUse = True
    ) -> HttpResponse:
        """A request and its answer's head. Raises CheckAborted."""

    def finish(self, response: HttpResponse) -> None:
        """End the connection of a response."""

    async def leave(self, response: HttpResponse, address: URL) -> None:
        """End a response, and keep its connection for the next request."""

    def translate(self, error: BaseException, host: str | None = None) -> CheckAborted | None:
        """The cause behind an exception of a connection, or None if it isn't one."""


@lru_cache(maxsize=512)
def parsed(url: str) -> URL:
    """An address; that of a check stays the same from run to run."""
    try:
        return web_address(url)
    except ValueError:
        return URL(url)


class PageOpening:
    """Gets a page, following redirects unless ``max_redirects`` is None; ends its connection. With
    ``fetch`` the script of another page asks for it, and has to be allowed to by each redirect.

    A class and no generator: it runs for each check, and costs a third.
    """

    def __init__(
        self,
        client: Requests,
        url: str,
        max_redirects: int | None,
        headers: Mapping[str, str],
        fetch: PageFetch | None = None,
    ) -> None:
        self._client, self._address = client, parsed(url)
        self._max_redirects, self._headers, self._fetch = max_redirects, headers, fetch
        self._response: HttpResponse | None = None
        self._repeated_because = ""
        self._strict_transport = StrictTransport()

    async def __aenter__(self) -> Response:
        address, redirects, circles = self._address, 0, False
        cache, seen = RedirectCache(), {address}
        while True:
            following = cache.of(address)
            if following is None:
                response = await self._answer(address)
                page = Response(response, address, redirects, self._repeated_because)
                if circles and response.status == _TOO_MANY_REQUESTS:
                    self._client.finish(response)
                    raise _too_many(redirects, seen, address, ", until it answers 429")
                following = self._following(page)
                if following is None:
                    self._response = response
                    return page
                await self._client.leave(response, address)
                cache.keep(address, response, following)
            if redirects == self._max_redirects:
                raise _too_many(redirects, seen, following)
            if self._fetch is not None:
                self._fetch.follow(address, following)
            circles |= following in seen
            seen.add(following)
            address, redirects = self._strict_transport.upgraded(following), redirects + 1

    async def _answer(self, address: URL) -> HttpResponse:
        response = await self._start(address)
        if response.status == _MISDIRECTED and not self._repeated_because:
            # A browser asks once more, on a connection of its own (RFC 9110, 15.5.20).
            self._client.finish(response)
            self._repeated_because = f"{address.host} answers {_MISDIRECTED} to the first request"
            response = await self._start(address)
        self._strict_transport.keep(address, response.head)
        self._check_port(response, address)
        return response

    async def _start(self, address: URL) -> HttpResponse:
        if self._fetch is None:
            return await self._client.start("GET", address, self._headers)
        headers = {**self._headers, **self._fetch.origin(address)}
        cookies = self._fetch.cookies(address)
        return await self._client.start("GET", address, headers, cookies=cookies)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._response is not None:
            self._client.finish(self._response)
        if isinstance(error, Exception) and not isinstance(error, CheckAborted):
            aborted = self._client.translate(error)
            if aborted is not None:
                raise aborted from None

    def _check_port(self, response: HttpResponse, address: URL) -> None:
        """Behind the answer: what does not answer there has a reason of its own."""
        try:
            check_port(address)
        except CheckFailed:
            self._client.finish(response)
            raise

    def _following(self, page: Response) -> URL | None:
        if self._max_redirects is None:
            return None
        try:
            following = redirect_target(page)
            if following is not None and self._fetch is not None:
                self._fetch.check_redirect(page.response.headers, page.url, following)
            return following
        except BaseException:
            self._client.finish(page.response)
            raise


def _too_many(redirects: int, seen: set[URL], following: URL, end: str = "") -> CheckFailed:
    """Also where a target limits the requests that its own circle causes: users never get out."""
    circle = f": they lead in a circle of {len(seen)}" if following in seen else ""
    number = str(redirects) if end else f"more than {redirects}"
    message = f"{number} redirects in a row{circle}{end}"
    return CheckFailed(Cause.TOO_MANY_REDIRECTS, message, phase=REDIRECT)
