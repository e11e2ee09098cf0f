"""The cookies of one client (RFC 6265): a browser sends back what it was given."""

from aiohttp import CookieJar
from yarl import URL

from probe.net.protocol.exchange import HttpResponse

# An honest response sets a handful.
MOST_COOKIES = 100


class Cookies:
    """Kept from response to request, gone with the client."""

    def __init__(self) -> None:
        self._jar: CookieJar | None = None

    def header_for(self, address: URL) -> str:
        """The value of the Cookie header; empty without any."""
        if self._jar is None:
            return ""
        found = self._jar.filter_cookies(address.with_user(None))
        return "; ".join(f"{each.key}={each.coded_value}" for each in found.values())

    def keep(self, response: HttpResponse, address: URL) -> None:
        """Take what a response sets."""
        lines = response.headers.getall("Set-Cookie", [])
        if not lines:
            return
        if self._jar is None:
            # Browsers keep cookies of literal addresses as well, which this calls unsafe.
            self._jar = CookieJar(unsafe=True)
        self._jar.update_cookies_from_headers(lines[:MOST_COOKIES], address.with_user(None))
