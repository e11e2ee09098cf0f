"""What a deployment promises its users besides an answer: HTTPS, HSTS, CORS.

Each check is a request of its own on a fresh connection, and brings an answer or, where
it got none, None.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from yarl import URL

from probe.core.model import CheckAborted
from probe.net.address.strict_transport import HEADER, read_policy
from probe.net.fetch.redirect import redirect_target
from probe.net.http import fresh_client

if TYPE_CHECKING:
    from probe.net.fetch.redirect import Response

# A reserved name (RFC 6761), so no deployment can have allowed it.
FOREIGN_ORIGIN = "https://foreign-origin.invalid"
_TOO_MANY_REQUESTS = 429


class HeaderCheck(Protocol):
    """Asks whether the deployment at an address keeps a promise."""

    def __call__(
        self, url: str, /, *, ca_file: Path | None, clock: Callable[[], float], timeout: float
    ) -> Coroutine[Any, Any, bool | None]:
        """Waits at most ``timeout`` seconds."""


async def redirects_to_https(
    url: str, *, ca_file: Path | None, clock: Callable[[], float], timeout: float
) -> bool | None:
    """Whether plain HTTP leads to HTTPS; silence there does not lead anybody."""
    plain = http_url(url)
    try:
        async with (
            asyncio.timeout(timeout),
            fresh_client(ca_file=ca_file, clock=clock, host=plain.host or "") as browser,
            browser.open(str(plain)) as page,
        ):
            if page.response.status == _TOO_MANY_REQUESTS:
                return None
            location = redirect_target(page)
            return location is not None and location.scheme == "https"
    except (CheckAborted, TimeoutError):
        return False


async def refuses_foreign_origins(
    url: str, *, ca_file: Path | None, clock: Callable[[], float], timeout: float
) -> bool | None:
    """Whether a browser keeps the answer from the pages of a foreign origin (Fetch, CORS)."""
    try:
        async with (
            asyncio.timeout(timeout),
            fresh_client(ca_file=ca_file, clock=clock, host=URL(url).host or "") as browser,
            browser.open(url, headers={"Origin": FOREIGN_ORIGIN}) as page,
        ):
            if page.response.status == _TOO_MANY_REQUESTS:
                return None
            allowed = page.response.headers.get("Access-Control-Allow-Origin", "").strip()
            return allowed not in ("*", FOREIGN_ORIGIN)
    except (CheckAborted, TimeoutError):
        return None


def hsts_max_age(page: "Response") -> float:
    """For how many seconds browsers are bound to HTTPS, 0 if they are not.

    Only what comes over HTTPS binds, and of several headers the first (RFC 6797, 8.1).
    """
    if page.url.scheme != "https":
        return 0.0
    policy = read_policy(page.response.headers.get(HEADER, ""))
    return policy.max_age if policy is not None else 0.0


def http_url(url: str) -> URL:
    """The same page over plain HTTP, where neither password nor token goes along."""
    address = URL(url).with_user(None).with_query(None)
    if address.scheme == "https":
        address = address.with_scheme("http").with_port(None)
    return address
