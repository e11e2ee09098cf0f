"""CORS preflights as browsers send and judge them (Fetch standard, 4.8 and 4.9).

A wildcard stands for Authorization too, in Chromium.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.fetch.cors import SAFELISTED_METHODS, Headers, Preflight, check_allowed
from probe.net.fetch.page_fetch import PageFetch
from probe.net.http import FreshHttpClient, fresh_client
from probe.net.http_status import status_error

PHASE = "cors_preflight"
_ALLOW_METHODS, _ALLOW_HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HINT = (
    "Browsers ask by OPTIONS before a request with JSON, a token or a header of its own: let the "
    "backend or the proxy in front of it answer that with 204 and the CORS headers, without asking "
    "for a login."
)


class PreflightResponse(Protocol):
    """The response to a preflight."""

    @property
    def status(self) -> int:
        """Its status code."""

    @property
    def headers(self) -> Headers:
        """Its headers."""


async def send_preflight(
    preflight: Preflight,
    page: str,
    origin: str,
    *,
    credentials: bool,
    ca_file: Path | None,
    clock: Callable[[], float],
) -> None:
    """Request whether pages of ``origin`` may make the request at the host of ``page``.

    Raises CheckFailed(cors_rejected) where a browser would not make it, and what a request
    without an answer raises.
    """
    address = URL(page).with_user(None).join(URL(preflight.path))
    async with fresh_client(ca_file=ca_file, clock=clock, host=address.host or "") as client:
        await request_preflight(client, preflight, address, origin, credentials=credentials)


async def request_preflights(
    client: FreshHttpClient, fetch: PageFetch, headers: Mapping[str, str] | None = None
) -> None:
    """Those that a fetch needed, among the requests of a client; ``headers`` are the client's own.
    Raises like send_preflight, and NotMeasured(rate_limited)."""
    for preflight, address, origin in fetch.preflights:
        await request_preflight(
            client, preflight, address, origin, credentials=fetch.credentials, headers=headers
        )


async def request_preflight(
    client: FreshHttpClient,
    preflight: Preflight,
    address: URL,
    origin: str,
    *,
    credentials: bool,
    headers: Mapping[str, str] | None = None,
) -> None:
    """The same at one address, without the client's cookies."""
    headers = {
        **(headers or {}),
        "Accept": "*/*",
        "Origin": origin,
        "Access-Control-Request-Method": preflight.method,
    }
    if preflight.headers:
        headers["Access-Control-Request-Headers"] = ",".join(preflight.headers)
    async with client.request(
        "OPTIONS", address.with_user(None), headers=headers, cookies=False, keep=True
    ) as answer:
        judge(preflight, answer, origin, address.host_port_subcomponent or "", credentials)


def judge(
    preflight: Preflight, answer: PreflightResponse, origin: str, host: str, credentials: bool
) -> None:
    """Raise CheckFailed(cors_rejected) where a browser refuses to go on after this answer.

    Raises NotMeasured(rate_limited) for a 429, which is of our own making.
    """
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        message = f"{host} answers OPTIONS {preflight.path} with status {answer.status}"
        raise status_error(answer.status, message, phase=PHASE)
    if not 200 <= answer.status < 300:
        raise _rejected(preflight, origin, host, f"answers OPTIONS with {answer.status}")
    try:
        check_allowed(answer.headers, origin, host, credentials=credentials)
    except CheckFailed as error:
        error.phase = PHASE
        raise
    methods, names = (
        _names(answer.headers, each, preflight, origin, host)
        for each in (_ALLOW_METHODS, _ALLOW_HEADERS)
    )
    wild = not credentials
    if preflight.method not in (*SAFELISTED_METHODS, *methods) and not (wild and "*" in methods):
        raise _rejected(preflight, origin, host, f"does not allow {preflight.method}")
    allowed = {each.lower() for each in names}
    for name in preflight.headers:
        if name not in allowed and not (wild and "*" in allowed):
            raise _rejected(preflight, origin, host, f"does not allow the header {name}")


def _names(headers: Headers, name: str, preflight: Preflight, origin: str, host: str) -> list[str]:
    """What a header lists. Raises CheckFailed(cors_rejected): one wrong name is enough."""
    values = ",".join(headers.getall(name, [])).split(",")
    found = [each.strip(" \t") for each in values]
    for each in found:
        if each and not _TOKEN.fullmatch(each):
            raise _rejected(preflight, origin, host, f"sends {name} with what is no name in it")
    return [each for each in found if each]


def _rejected(preflight: Preflight, origin: str, host: str, what: str) -> CheckFailed:
    message = f"browsers on {origin} can't {preflight} at {host}: it {what}"
    return CheckFailed(Cause.CORS_REJECTED, message, phase=PHASE, hint=_HINT)
