"""One ``fetch`` of a page's script, over its redirects (Fetch standard, 4.4, HTTP-redirect fetch).

Each answer on the way has to allow the page's origin, and from the second foreign origin on the
page has none (``null``). What a page over TLS may ask is not judged by its first address, which is
the operator's: a probe may ask from within what users ask through a proxy. Nor is it judged by a
redirect from http: to https: of the same host: such a page asks https: from the start.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.cookies.cookies import CookieUse
from probe.net.cookies.sites import is_same_site, is_trustworthy
from probe.net.fetch.cors import (
    PHASE,
    TWICE_HINT,
    Headers,
    Preflight,
    check_allowed,
    origin_header,
    origin_of,
)

if TYPE_CHECKING:
    from probe.net.fetch.page_request import PageRequest

_NO_ORIGIN = "null"
_REDIRECT_HINT = (
    "An answer that redirects has to allow the page's origin as well: have pages ask the address "
    "that it leads to, and set BACKEND_URL to that."
)
_LOGIN_HINT = "Leave user name and password out of the address that the redirect leads to."
_MIXED_HINT = (
    "Browsers block http: on a page over TLS (mixed content): let the redirect lead to https:."
)


class PageFetch:
    """``origin`` is the page's; ``credentials``: whether it sends cookies to other origins.

    ``preflights`` are the requests that a browser asks permission for, with the Origin that it has
    by then.
    """

    def __init__(self, origin: str, *, credentials: bool = False) -> None:
        self.credentials = credentials
        self.preflights: list[tuple[Preflight, URL, str]] = []
        self._page, self._sent = origin, origin
        self._has_left = False

    def is_cross_origin(self, address: URL) -> bool:
        """Whether the answer needs CORS: it is of another origin, or one before it was."""
        return self._has_left or origin_of(address) != self._page

    def origin(self, address: URL, *, is_post: bool = False) -> Mapping[str, str]:
        """The Origin header; a page sends none with a GET to its own origin."""
        needed = is_post or self.is_cross_origin(address)
        return origin_header(self._sent) if needed else {}

    def cookies(self, address: URL) -> CookieUse:
        """Which cookies are sent and kept."""
        if self.is_cross_origin(address) and not self.credentials:
            return False
        return True if is_same_site(address, self._page) else "cross_site"

    def ask(self, request: "PageRequest") -> Mapping[str, str]:
        """The Origin header of a request, of which it is noted whether it has to be permitted."""
        if request.preflight.is_needed and self.is_cross_origin(request.address):
            self.preflights.append((request.preflight, request.address, self._sent))
        return self.origin(request.address, is_post=request.method == "POST")

    def check(self, headers: Headers, address: URL) -> None:
        """Raise CheckFailed(cors_rejected) for an answer that browsers keep from the page."""
        if self.is_cross_origin(address):
            host = address.host_port_subcomponent or ""
            check_allowed(headers, self._sent, host, credentials=self.credentials)

    def check_redirect(self, headers: Headers, address: URL, following: URL) -> None:
        """The same for an answer that leads elsewhere."""
        if self.is_upgrade(address, following):
            return
        try:
            self.check(headers, address)
        except CheckFailed as error:
            if error.hint != TWICE_HINT:
                error.hint = _REDIRECT_HINT
            raise

    def follow(self, address: URL, following: URL) -> None:
        """Go on from ``address``. Raises CheckFailed(cors_rejected) where no page is led."""
        if self.is_upgrade(address, following):
            # The page asks there from the start.
            self.preflights.clear()
            return
        self._has_left = self.is_cross_origin(address)
        needs_cors = self.is_cross_origin(following)
        if needs_cors and (following.user is not None or following.password is not None):
            raise self._blocked(address, "to an address with a login", _LOGIN_HINT)
        is_mixed = is_trustworthy(address) and not is_trustworthy(following)
        if is_mixed and URL(self._page).scheme == "https":
            raise self._blocked(address, "from TLS to plain HTTP", _MIXED_HINT)
        if self._has_left and origin_of(address) != origin_of(following):
            self._sent = _NO_ORIGIN

    def lead(self, request: "PageRequest", status: int, following: URL) -> "PageRequest":
        """What is asked behind a redirect. Raises like ``follow``."""
        self.follow(request.address, following)
        if self.is_upgrade(request.address, following):
            return replace(request, address=following)
        return request.behind(status, following)

    def is_upgrade(self, address: URL, following: URL) -> bool:
        """Whether a page over TLS would not have been here."""
        schemes = (URL(self._page).scheme, address.scheme, following.scheme)
        return schemes == ("https", "http", "https") and address.host == following.host

    def _blocked(self, address: URL, whither: str, hint: str) -> CheckFailed:
        host = address.host_port_subcomponent or ""
        message = f"browsers on {self._page} can't read {host}: it redirects {whither}"
        return CheckFailed(Cause.CORS_REJECTED, message, phase=PHASE, hint=hint)
