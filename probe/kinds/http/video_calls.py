"""Whether a browser lets the users of a page call: it has to be shown as one, by TLS, to run its
scripts, to have camera and microphone, and to reach the backend.

All of that is in the headers and the head of a page that answers 200. Where it is in doubt what a
browser makes of them, the page passes; so does one whose own server hands on to the backend.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.kinds.http.page_text import page_text
from probe.kinds.http.settings import HttpTable
from probe.kinds.http.visit import Answer
from probe.net.address.ranges import is_inside
from probe.net.cookies.sites import is_trustworthy
from probe.net.fetch.redirect import Response
from probe.net.flow.pace import ReadPace
from probe.net.http import fresh_client
from probe.net.policies.content_security import UPGRADE, ContentPolicy, policies_of
from probe.net.policies.document_type import document_type, why_no_page
from probe.net.policies.permissions import forbidden
from probe.untrusted.html_policies import policies_in

PHASE = "page"
FEATURES = ("camera", "microphone")
# As long as Chromium waits for https: where http: was asked for.
_SECURE_SECONDS = 3.0
_NEEDED = ("allow-scripts", "allow-same-origin")
_HTML = ("text/html", "")
# How Engine.IO begins a session (protocol 4): a packet of type 0 with a JSON object.
POLLING, _HANDSHAKE = "/socket.io/", b"0{"


async def check_calls(
    answer: Answer, table: HttpTable, clock: Callable[[], float], left: float
) -> None:
    """Raise CheckFailed for a page whose users can't call. ``left`` are the seconds that another
    request may take, where the page came without TLS."""
    answer = await _secure(answer, table, clock, _limited(left))
    page = answer.page
    headers, host = page.response.headers, page.url.host_port_subcomponent or ""
    if why := why_no_page(headers):
        message = f"browsers show no page of {host}: its answer {why}"
        raise CheckFailed(Cause.CONTENT_TYPE_INVALID, message, phase=PHASE)
    policies = policies_of(headers, await _elements(page, answer.body))
    _check_scripts(policies, host)
    if features := forbidden(FEATURES, headers, page.url):
        message = f"the Permissions-Policy of {host} blocks {' and '.join(features)}"
        raise CheckFailed(Cause.PERMISSIONS_POLICY_BLOCKED, message, phase=PHASE)
    for text in table.connects_to:
        await asyncio.sleep(0)
        try:
            _check_connection(URL(text), page.url, policies)
        except CheckFailed:
            own = page.url.origin().with_path(POLLING).with_query(EIO="4", transport="polling")
            is_blocked = any(policy.blocking(own, page.url) for policy in policies)
            if is_blocked or not await _is_backend(own, table, clock, _limited(left)):
                raise
            return


def _limited(left: float) -> float:
    """Of the seconds that are left, those of one more request."""
    return min(_SECURE_SECONDS, left / 2)


async def _secure(
    answer: Answer, table: HttpTable, clock: Callable[[], float], timeout: float
) -> Answer:
    """The page by TLS, which browsers try first; what a probe asks from within is no page of
    users."""
    address = answer.page.url
    if is_trustworthy(address) or is_inside(URL(table.address).host or ""):
        return answer
    if address.port == 80:
        with suppress(CheckAborted, TimeoutError):
            async with asyncio.timeout(timeout):
                found = await _visit_secure(address, table, clock)
            if found is not None:
                return found
    host = address.host_port_subcomponent or ""
    message = f"{host} serves its page without TLS: browsers give it no camera and no microphone"
    raise CheckFailed(Cause.INSECURE_CONTEXT, message, phase=PHASE)


async def _is_backend(
    address: URL, table: HttpTable, clock: Callable[[], float], timeout: float
) -> bool:
    """Whether the page's own server hands its connections on to the backend (a rewrite, a proxy):
    its scripts then have no need of the backend's address."""
    with suppress(CheckAborted, TimeoutError):
        async with asyncio.timeout(timeout):
            found = await _answer(address, table, clock)
            return found is not None and found.body.startswith(_HANDSHAKE)
    return False


async def _visit_secure(
    address: URL, table: HttpTable, clock: Callable[[], float]
) -> Answer | None:
    secure = address.with_scheme("https").with_port(None)
    found = await _answer(secure, table, clock)
    return found if found is not None and is_trustworthy(found.page.url) else None


async def _answer(address: URL, table: HttpTable, clock: Callable[[], float]) -> Answer | None:
    """What answers 2xx at an address; None where nothing does. Raises CheckAborted."""
    body = bytearray()
    async with (
        fresh_client(ca_file=table.ca_file, clock=clock, host=address.host or "") as browser,
        browser.open(str(address), max_redirects=table.followed_redirects) as page,
    ):
        if not 200 <= page.response.status < 300:
            return None
        await browser.skim(page, table.max_body_bytes, body)
        return Answer(bytes(body), page, None)


async def _elements(page: Response, body: bytes) -> Sequence[str]:
    """What the page's head says; others run meanwhile."""
    headers = page.response.headers
    if document_type(headers) not in _HTML:
        return ()
    found, pace, began = list[str](), ReadPace(), time.thread_time()
    for each in policies_in(page_text(body, headers.get("Content-Type", ""))):
        if each is not None:
            found.append(each)
            continue
        await asyncio.sleep(pace.charge(time.thread_time() - began, is_full=False))
        began = time.thread_time()
    return found


def _check_scripts(policies: Sequence[ContentPolicy], host: str) -> None:
    for policy in policies:
        sandbox = policy.sandbox
        for flag in _NEEDED if sandbox is not None else ():
            if flag not in (sandbox or ()):
                raise _blocked(host, f"puts the page in a sandbox without {flag}")
        if directive := policy.blocks_all_scripts:
            raise _blocked(host, f"lets no script run ({directive})")


def _check_connection(address: URL, page: URL, policies: Sequence[ContentPolicy]) -> None:
    host, backend = page.host_port_subcomponent or "", str(address.with_query(None))
    upgrades = any(UPGRADE in policy.directives for policy in policies)
    ways = [address, _upgraded(address)] if upgrades else [address]
    for policy in policies:
        blocking = [policy.blocking(each, page) for each in ways]
        if all(blocking):
            raise _blocked(host, f"blocks connections to {backend} ({blocking[0]})")
    if page.scheme == "https" and not upgrades and not is_trustworthy(address):
        message = f"browsers block {backend} as mixed content on the TLS page of {host}"
        raise CheckFailed(Cause.MIXED_CONTENT_BLOCKED, message, phase=PHASE)


def _upgraded(address: URL) -> URL:
    scheme = {"http": "https", "ws": "wss"}.get(address.scheme, address.scheme)
    port = None if address.explicit_port in (None, 80) else address.explicit_port
    return address.with_scheme(scheme).with_port(port)


def _blocked(host: str, what: str) -> CheckFailed:
    message = f"the Content-Security-Policy of {host} {what}"
    return CheckFailed(Cause.CSP_BLOCKED, message, phase=PHASE)
