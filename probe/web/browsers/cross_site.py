"""Cross-site request forgery: a page of somebody else that has a browser change something here.

A browser sends a login that it knows, and reaches what only its own machine reaches. So what
changes something is refused where the browser says that the page is a foreign one: by Fetch
Metadata, else by the Origin header (https://fetch.spec.whatwg.org/#origin-header). Clients that
are no browsers send neither.
"""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from probe.web.browsers.hosts import OwnHosts, host_name

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1
_OF_OWN_PAGES = ("same-origin", "none")
REFUSAL = "A page of another site may change nothing here\n"


def is_cross_site(method: str, headers: Mapping[str, str], hosts: OwnHosts) -> bool:
    """Whether a foreign page has a browser send this, and it may change something."""
    if method in _SAFE:
        return False
    if (site := headers.get("Sec-Fetch-Site")) is not None:
        return site not in _OF_OWN_PAGES
    origin = headers.get("Origin")
    if origin is None:
        return False
    authority = origin.lower().partition("://")[2]
    # A proxy may have put another name into Host.
    own = authority == headers.get("Host", "").lower() or host_name(authority) in hosts.names
    return not authority or not own


def refuse_cross_site(hosts: OwnHosts) -> Middleware:
    """A middleware that answers 403 to what a foreign page has a browser send."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_cross_site(request.method, request.headers, hosts):
            return web.Response(status=403, text=REFUSAL)
        return await handler(request)

    return middleware
