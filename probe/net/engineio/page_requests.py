"""The requests of an Engine.IO session, as a browser's page makes them.

The Fetch standard decides: Origin, CORS, cookies, redirects. A WebSocket knows none of the
last three.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.address.unsafe_ports import check_port
from probe.net.cookies.cookies import CookieUse
from probe.net.cookies.sites import is_same_site
from probe.net.engineio.opening import refusal_text, refused_request
from probe.net.engineio.response_text import response_text
from probe.net.fetch.cors import is_cross_origin, origin_header, origin_of
from probe.net.fetch.page_fetch import PageFetch
from probe.net.fetch.page_request import PageRequest
from probe.net.fetch.preflight import request_preflights
from probe.net.fetch.redirect import Response, redirect_target
from probe.net.fetch.request_headers import combine, sendable
from probe.net.http import FreshHttpClient, read_bounded
from probe.net.protocol.errors import PeerError
from probe.net.protocol.exchange import HttpResponse
from probe.net.websocket.connection import WebSocket
from probe.net.websocket.handshake import accepted, handshake_headers, new_key

Transport = Literal["websocket", "polling"]

MAX_PAYLOAD = 4 << 20
_MAX_REFUSAL = 4096
_PROTOCOL = {"EIO": "4"}
# 400 and 403.
_MAY_WANT_ORIGIN = (Cause.PROTOCOL_ERROR, Cause.HTTP_STATUS)
_MAY_WANT_HEADERS = (400, 401, 403)
_MAX_REDIRECTS = 20
STICKY_HINT = (
    "Sticky sessions are missing: several backends are behind one address, and the one that "
    "answered doesn't know the session of another. Have the balancer keep each client with one "
    "backend (by cookie or address)."
)
_BY_HTTP2 = " by HTTP/2, where it announces WebSockets (RFC 8441)"
_UNSENT_HINT = (
    "Browsers send headers with polls, and none of them with a WebSocket: let the server do "
    "without. What only the probe sends, as to a gateway, belongs in headers instead of "
    "extra_headers."
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where Engine.IO listens, and what a browser's page adds to each request.

    ``origin`` is the page's; None is not known. ``extra_headers`` are the page's too, and where its
    origin is known a WebSocket carries none of them; ``headers`` are on all that is asked.
    """

    url: str
    path: str
    origin: str | None = None
    credentials: bool = False
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_cross_origin(self) -> bool:
        """Whether the page's requests need CORS."""
        return is_cross_origin(self.url, self.origin)

    @property
    def shares_connections(self) -> bool:
        """Whether WebSockets, which carry credentials, go by the connections of polls: those are
        others in browsers where polls carry none."""
        return self.origin is not None and (self.credentials or not self.is_cross_origin)


class PageRequests:
    """GET, POST and the upgrade, with what the page adds and what it needs to read the answer."""

    def __init__(self, browser: FreshHttpClient, host: str, site: Site) -> None:
        self._browser, self._host, self._site = browser, host, site
        self._origin = site.origin

    def adopts_own_origin(self, refusal: CheckAborted) -> bool:
        """Whether the server may have wanted an Origin: from now on it gets one of its own."""
        if self._origin is not None or refusal.cause not in _MAY_WANT_ORIGIN:
            return False
        self._origin = origin_of(self._site.url)
        return True

    async def get(self, sid: str) -> str:
        """One poll. Raises CheckAborted, PeerError, OSError."""
        async with self._answered("GET", sid) as answer:
            body = await read_bounded(answer, MAX_PAYLOAD)
            return response_text(body, answer.headers.get("Content-Type", ""))

    async def post(self, sid: str, packet: str) -> None:
        """Send one packet; what is said to it does not count, but that it comes whole: a page
        sends nothing more before. Raises CheckAborted, PeerError, OSError."""
        async with self._answered("POST", sid, packet.encode()) as answer:
            await read_bounded(answer, MAX_PAYLOAD)

    async def web_socket(self, sid: str) -> WebSocket:
        """Open a WebSocket. Raises CheckAborted, PeerError, OSError."""
        address, key = self._address("websocket", sid), new_key()
        headers = {**origin_header(self._origin), **self._of_sockets, **handshake_headers(key)}
        answer = await self._browser.upgrade(
            address, headers, self._cookies(address), self._site.shares_connections
        )
        try:
            check_port(address)
            if answer.status not in (101, 200):
                raise await self._refused_socket(answer, sid)
            return WebSocket(answer, accepted(answer, key))
        except BaseException:
            answer.stream.close()
            raise

    @asynccontextmanager
    async def _answered(
        self, method: str, sid: str, body: bytes = b""
    ) -> AsyncIterator[HttpResponse]:
        """The answer that a page may read, behind redirects."""
        address = self._address("polling", sid)
        request = PageRequest(method, address, self._script_headers(is_post=method == "POST"), body)
        fetch = None
        if self._origin is not None:
            fetch = PageFetch(self._origin, credentials=self._site.credentials)
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._browser.request(
                request.method,
                request.address,
                headers=self._headers(request, fetch),
                body=request.body,
                cookies=True if fetch is None else fetch.cookies(request.address),
                keep=True,
            ) as answer:
                moved = _moved(answer, request.address)
                _check_readable(answer, request.address, moved, fetch)
                if moved is None:
                    if answer.status != 200:
                        raise await self._refused(answer, sid)
                    yield answer
                    break
            follow = request.behind if fetch is None else partial(fetch.lead, request)
            request = follow(answer.status, moved)
        else:
            raise refused_request(310, self._host)
        if fetch is not None:
            # Behind the request: a status says more than the headers that it lacks.
            await request_preflights(self._browser, fetch, self._site.headers)

    def _cookies(self, address: URL) -> CookieUse:
        """A page of another site has those with SameSite=None alone."""
        is_other = self._origin is not None and not is_same_site(address, self._origin)
        return "cross_site" if is_other else True

    async def _refused(self, answer: HttpResponse, sid: str) -> CheckAborted:
        try:
            async with asyncio.timeout(0.5):
                body = await read_bounded(answer, _MAX_REFUSAL)
        except (TimeoutError, PeerError, OSError, CheckAborted):
            body = b""
        aborted = refused_request(answer.status, self._host, refusal_text(body))
        if sid and answer.status == 400:
            aborted.hint = STICKY_HINT
        return aborted

    async def _refused_socket(self, answer: HttpResponse, sid: str) -> CheckAborted:
        aborted = await self._refused(answer, sid)
        if answer.opening == 200:
            aborted.message += _BY_HTTP2
        if self._site.origin and self._site.extra_headers and answer.status in _MAY_WANT_HEADERS:
            aborted.hint = _UNSENT_HINT
        return aborted

    def _address(self, transport: Transport, sid: str) -> URL:
        base = URL(self._site.url)
        path = base.path.rstrip("/") + self._site.path.rstrip("/") + "/"
        session = {"sid": sid} if sid else {}
        return base.with_path(path).with_query({**_PROTOCOL, "transport": transport, **session})

    @property
    def _of_sockets(self) -> Mapping[str, str]:
        """Headers of a WebSocket: a page can give it none."""
        site = self._site
        return site.headers if site.origin else {**site.extra_headers, **site.headers}

    def _script_headers(self, *, is_post: bool) -> dict[str, str]:
        """What engine.io-client sets for a poll."""
        text = {"Content-Type": "text/plain;charset=UTF-8"} if is_post else {}
        if self._site.origin is None:
            return {**text, **self._site.extra_headers}
        found = sendable(self._site.extra_headers)
        for name, value in {**text, "Accept": "*/*"}.items():
            found = combine(found, name, value)
        return found

    def _headers(self, request: PageRequest, fetch: PageFetch | None) -> dict[str, str]:
        origin: Mapping[str, str] = {}
        if fetch is not None and self._site.origin is not None:
            origin = fetch.ask(request)
        elif fetch is not None:  # the server may have wanted one
            origin = origin_header(self._origin)
        return {**request.headers, **origin, **self._site.headers}


def _check_readable(
    answer: HttpResponse, address: URL, moved: URL | None, fetch: PageFetch | None
) -> None:
    """Raise CheckFailed where no page reads this answer, or is led on by it."""
    check_port(address)
    if fetch is not None and moved is not None:
        fetch.check_redirect(answer.headers, address, moved)
    if fetch is not None and answer.status == 200:
        fetch.check(answer.headers, address)


def _moved(answer: HttpResponse, address: URL) -> URL | None:
    """Where a redirect leads; None for what is none, or leads nowhere."""
    with suppress(CheckFailed):
        return redirect_target(Response(answer, address, 0))
    return None
