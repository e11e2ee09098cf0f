"""A ``POST`` of JSON to the backend, as the script of the application's page makes it.

The Fetch standard decides (4.4 to 4.10): the Origin, which redirects are followed and with what,
whether the page may read the answer, and what a browser asks by OPTIONS before each request. That
is asked behind the request here: a status and a body say more than the headers that they lack.
"""

import json
from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from probe.core.model import CheckFailed
from probe.net.address.unsafe_ports import check_port
from probe.net.fetch.cors import Preflight, origin_of
from probe.net.fetch.page_fetch import PageFetch
from probe.net.fetch.preflight import request_preflight
from probe.net.fetch.redirect import Response, redirect_target
from probe.net.http import FreshHttpClient, read_bounded
from probe.net.http_status import refusal_of_backend
from probe.net.protocol.exchange import HttpResponse

BODY_LIMIT = 65_536
_MAX_REDIRECTS = 20
_CREATED = (200, 201)
_TYPE, _TOKEN = "Content-Type", "Authorization"


class PageRequest(Struct, frozen=True):
    """One request on the way to an answer."""

    method: str
    address: URL
    headers: Mapping[str, str]
    body: bytes

    @property
    def preflight(self) -> Preflight | None:
        """What needs permission where CORS applies: JSON and a token do."""
        names = sorted(each.lower() for each in self.headers)
        return Preflight(self.method, self.address.raw_path, tuple(names)) if names else None

    def behind(self, status: int, following: URL) -> "PageRequest":
        """The request that a redirect leads to: a GET of a POST but for 307 and 308, and without
        the token at another origin."""
        headers = dict(self.headers)
        if origin_of(self.address) != origin_of(following):
            headers.pop(_TOKEN, None)
        if self.method == "POST" and status in (301, 302, 303):
            headers.pop(_TYPE, None)
            return PageRequest("GET", following, headers, b"")
        return replace(self, address=following, headers=headers)


class PagePost:
    """``origin`` is the page's; where it is None no redirect is followed, and nothing judged but
    the status."""

    def __init__(
        self, browser: FreshHttpClient, url: URL, headers: Mapping[str, str], origin: str | None
    ) -> None:
        self._browser, self._url, self._token = browser, url, headers
        self._fetch = None if origin is None else PageFetch(origin)
        # What a browser would have asked for, with the Origin that it had by then.
        self._preflights: list[tuple[Preflight, URL, str]] = []
        self._answer: Response | None = None

    async def send(self, content: object) -> bytes:
        """The body of the answer, of at most BODY_LIMIT bytes.

        Raises CheckFailed with its ``http_status`` and NotMeasured(rate_limited) for another
        status than 200 and 201, CheckFailed(cors_rejected) for a redirect that no page follows,
        and what a request without an answer raises.
        """
        headers = {_TYPE: "application/json", **self._token}
        request = PageRequest("POST", self._url, headers, json.dumps(content).encode())
        for hops in range(_MAX_REDIRECTS + 1):
            async with self._browser.request(
                request.method,
                request.address,
                headers={**request.headers, **self._origin_of(request)},
                body=request.body,
                cookies=True if self._fetch is None else self._fetch.cookies(request.address),
                keep=self._fetch is not None,
            ) as answer:
                following = self._following(request, answer, hops)
                if following is None:
                    return await self._body(request, answer)
            request = following
        raise AssertionError("the last redirect is not followed")

    async def check_readable(self) -> None:
        """Raise CheckFailed(cors_rejected) where no page gets this far; after ``send``.

        Each CheckFailed has the answer's ``http_status``, NotMeasured(rate_limited) has none.
        """
        if self._fetch is None or self._answer is None:
            return
        ask = partial(request_preflight, self._browser, credentials=False)
        try:
            for preflight, address, origin in self._preflights:
                await ask(preflight, address, origin)
            self._fetch.check(self._answer.response.headers, self._answer.url)
        except CheckFailed as error:
            error.http_status = self._answer.response.status
            raise

    def _origin_of(self, request: PageRequest) -> Mapping[str, str]:
        if self._fetch is None:
            return {}
        origin = self._fetch.origin(request.address, is_post=request.method == "POST")
        preflight = request.preflight
        if preflight is not None and self._fetch.is_cross_origin(request.address):
            self._preflights.append((preflight, request.address, origin["Origin"]))
        return origin

    def _following(
        self, request: PageRequest, answer: HttpResponse, hops: int
    ) -> PageRequest | None:
        """What a browser asks next; None: this is the answer."""
        if self._fetch is None:
            return None
        check_port(request.address)
        following = redirect_target(Response(answer, request.address, hops))
        if following is None or hops == _MAX_REDIRECTS:
            return None
        self._fetch.check_redirect(answer.headers, request.address, following)
        if self._fetch.is_upgrade(request.address, following):
            # The page asks there from the start.
            self._preflights.clear()
            return replace(request, address=following)
        self._fetch.follow(request.address, following)
        return request.behind(answer.status, following)

    async def _body(self, request: PageRequest, answer: HttpResponse) -> bytes:
        if answer.status not in _CREATED:
            message = f"POST {self._url.path} answers with status {answer.status}"
            credential = bool(self._token) or self._url.user is not None
            refusal = refusal_of_backend(answer.status, message, credential=credential)
            refusal.http_status = answer.status
            raise refusal
        self._answer = Response(answer, request.address, 0)
        return await read_bounded(answer, BODY_LIMIT)
