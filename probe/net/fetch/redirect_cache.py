"""Redirects that a browser's cache answers the next time, within one visit (RFC 9111).

Without them a permanent redirect to itself, which no browser leaves again, would be asked until a
cookie mends it.
"""

from datetime import datetime
from email.utils import parsedate_to_datetime

from yarl import URL

from probe.net.protocol.exchange import HttpResponse

_LASTING = (300, 301, 308)  # cacheable without an explicit lifetime (RFC 9110, 15.1)
_NEVER = frozenset({"no-store", "no-cache"})


class RedirectCache:
    """Where addresses led to, as long as the visit lasts."""

    def __init__(self) -> None:
        self._kept: dict[str, URL] = {}

    def keep(self, address: URL, response: HttpResponse, following: URL) -> None:
        """Remember a redirect, if a browser does."""
        if is_kept(response):
            self._kept[_key(address)] = following

    def of(self, address: URL) -> URL | None:
        """Where the address leads to without being asked."""
        return self._kept.get(_key(address)) if self._kept else None


def is_kept(response: HttpResponse) -> bool:
    """Whether a browser keeps this answer (net::HttpResponseHeaders::GetFreshnessLifetimes)."""
    names = {each.partition("=")[0].lower() for each in response.head.all("Cache-Control")}
    names |= {each.lower() for each in response.head.all("Pragma")}
    varies = {each.lower() for each in response.head.all("Vary")}
    if names & _NEVER or varies & {"*", "cookie"}:
        return False
    seconds = _seconds(response)
    return response.status in _LASTING if seconds is None else seconds > 0


def _seconds(response: HttpResponse) -> float | None:
    """For how long it is fresh; None where it does not say so."""
    for each in response.head.all("Cache-Control"):
        name, _, value = each.partition("=")
        if name.lower() == "max-age" and value.isascii() and value.isdigit():
            return float(value[:9])
    if "Expires" not in response.headers:
        return None
    ends, now = _date(response.headers["Expires"]), _date(response.headers.get("Date", ""))
    if ends is None:
        return 0.0
    return (ends - (now or datetime.now(ends.tzinfo))).total_seconds()


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.astimezone()


def _key(address: URL) -> str:
    return str(address).partition("#")[0]
