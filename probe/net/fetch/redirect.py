"""Redirects of HTTP: where an answer sends its client."""

from contextlib import suppress

from msgspec import Struct
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.fetch.web_address import header_address
from probe.net.protocol.exchange import HttpResponse

REDIRECT = "redirect"
"""The phase of a redirect that can't be followed."""

_REDIRECTS = (301, 302, 303, 307, 308)


class Response(Struct, frozen=True, gc=False):
    """An answer whose headers are there; how many redirects led to it, and where it is.

    ``repeated_because`` says why a request was repeated, if one was.
    """

    response: HttpResponse
    url: URL
    redirects: int
    repeated_because: str = ""


def redirect_target(page: Response) -> URL | None:
    """Where an answer sends us; None if it is no redirect, as one without an address is none.

    Raises CheckFailed(protocol_error) for a redirect to what is no web address.
    """
    location = page.response.headers.get("Location")
    if page.response.status not in _REDIRECTS or not location:
        return None
    with suppress(ValueError):
        return header_address(location, page.url)
    raise CheckFailed(
        Cause.PROTOCOL_ERROR, "it redirects to something that is not a web address", phase=REDIRECT
    )
