"""A ``POST`` of JSON to the backend, as the script of the application's page makes it.

The Fetch standard decides (4.4 to 4.10): the Origin, which redirects are followed and with what,
whether the page may read the answer, and what a browser asks by OPTIONS before each request. That
is asked behind the request here: a status and a body say more than the headers that they lack.
"""

import json
from collections.abc import Mapping

from yarl import URL

from probe.core.model import CheckFailed
from probe.net.address.unsafe_ports import check_port
from probe.net.fetch.page_fetch import PageFetch
from probe.net.fetch.page_request import PageRequest
from probe.net.fetch.preflight import request_preflights
from probe.net.fetch.redirect import Response, redirect_target
from probe.net.http import FreshHttpClient, read_bounded
from probe.net.http_status import refusal_of_backend
from probe.net.protocol.exchange import HttpResponse

BODY_LIMIT = 65_536
_MAX_REDIRECTS = 20
_CREATED = (200, 201)
_TYPE, _TOKEN = "Content-Type", "Authorization"


class PagePost:
    """``origin`` is the page's; where it is None no redirect is followed, and nothing judged but
    the status."""

    def __init__(
        self, browser: FreshHttpClient, url: URL, headers: Mapping[str, str], origin: str | None
    ) -> None:
        self._browser, self._url, self._token = browser, url, headers
        self._fetch = None if origin is None else PageFetch(origin)
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
        try:
            await request_preflights(self._browser, self._fetch)
            self._fetch.check(self._answer.response.headers, self._answer.url)
        except CheckFailed as error:
            error.http_status = self._answer.response.status
            raise

    def _origin_of(self, request: PageRequest) -> Mapping[str, str]:
        return {} if self._fetch is None else self._fetch.ask(request)

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
        return self._fetch.lead(request, answer.status, following)

    async def _body(self, request: PageRequest, answer: HttpResponse) -> bytes:
        if answer.status not in _CREATED:
            message = f"POST {self._url.path} answers with status {answer.status}"
            credential = bool(self._token) or self._url.user is not None
            refusal = refusal_of_backend(answer.status, message, credential=credential)
            refusal.http_status = answer.status
            raise refusal
        self._answer = Response(answer, request.address, 0)
        return await read_bounded(answer, BODY_LIMIT)
