"""HTTP SD: one GET, as Prometheus sends it."""

import urllib.request
from base64 import b64encode
from urllib.parse import unquote, urlsplit, urlunsplit

from probe.net.flow.blocking_http import RequestFailed, open_with, send_request
from probe.net.urls import show_url

SECONDS = 5.0
"""How long the endpoint may be silent."""
TOTAL_SECONDS = 15.0
"""How long all of it may take: name, addresses, TLS, redirects, the whole answer."""
_REFRESH = "X-Prometheus-Refresh-Interval-Seconds"


def fetch(address: str, token: str, refresh: float, limit: int) -> str:
    """The endpoint's body. Raises OSError, and ValueError for what is no answer.

    Blocks for seconds; proxies are the environment's. Nothing secret is in an error.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ValueError("is not a web address")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        headers={"Accept": "application/json", _REFRESH: f"{refresh:g}"},
    )
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request.add_unredirected_header("Authorization", f"Basic {b64encode(pair).decode()}")
    try:
        response = send_request(
            request,
            open_with(),
            seconds=TOTAL_SECONDS,
            read_timeout=SECONDS,
            max_bytes=limit + 1,
        )
    except RequestFailed as error:
        raise ValueError(str(error)) from None
    if response.status != 200:
        raise ValueError(f"answers {response.status}")
    if len(response.body) > limit:
        raise ValueError(f"{show_url(address)} sends more than {limit} bytes")
    return response.body.decode("utf-8")
