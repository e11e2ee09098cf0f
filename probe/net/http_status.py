"""What an HTTP status means that is not the expected one."""

from collections.abc import Mapping
from http import HTTPStatus

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.proxies import HINT, PROXY_LOGIN, are_configured

MOVED = "Set BACKEND_URL to the address that the redirect leads to."
NO_CREDENTIAL = (
    "Access is denied and no credential was sent: check the rules of the proxy or firewall "
    "in front of the server."
)
LOGIN = (
    "The page asks for a login (HTTP Basic): write user name, colon, password and @ in front of "
    "the host in its address, or check a page that needs none."
)
CHALLENGED = (
    "Cloudflare asks for a proof that this is a browser (cf-mitigated: challenge), which users "
    "pass: let the probe's address or User-Agent pass by a WAF rule."
)
_BEHIND_PROXY = (
    "A proxy answers for a server that it does not reach: is the application running, and does it "
    "listen where the proxy looks for it?"
)
_CLOUDFLARE = "Cloudflare does not get an answer from the server behind it: "
_HINTS = {
    HTTPStatus.MISDIRECTED_REQUEST: "The server is not set up for this name on this connection: "
    "compare its certificate's names (SNI) with its virtual hosts.",
    HTTPStatus.BAD_GATEWAY: _BEHIND_PROXY,
    HTTPStatus.SERVICE_UNAVAILABLE: "The server is overloaded or in maintenance, or a proxy has no "
    "healthy server behind it: look at the log of both.",
    HTTPStatus.GATEWAY_TIMEOUT: _BEHIND_PROXY,
    HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED: "A network on the path wants a login first "
    "(captive portal, RFC 6585): check the network of the probe's machine.",
    520: _CLOUDFLARE + "it breaks off or answers what is not HTTP.",
    521: _CLOUDFLARE + "it refuses connections; is it running, does it let Cloudflare in?",
    522: _CLOUDFLARE + "connections time out; does its firewall let Cloudflare in?",
    523: _CLOUDFLARE + "there is no route to it; is its address in the DNS zone right?",
    524: _CLOUDFLARE + "it takes longer than 100 s.",
    525: _CLOUDFLARE + "the TLS handshake fails.",
    526: _CLOUDFLARE + "its certificate is not valid.",
    530: _CLOUDFLARE + "its name does not resolve, or the zone is blocked.",
}
_MAX_WAIT = 20  # characters of Retry-After that are shown


def status_error(
    status: int,
    message: str,
    *,
    phase: str | None = None,
    credential: bool = False,
    headers: Mapping[str, str] | None = None,
) -> CheckAborted:
    """The cause behind a status. A 429 is our own doing, and no outage.

    Authentication is blamed only where a ``credential`` was sent with the request. ``headers`` of
    the answer say more for people: Retry-After, and who answers.
    """
    given = headers or {}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotMeasured(Cause.RATE_LIMITED, message + _wait(given), phase=phase)
    if given.get("cf-mitigated", "").lower() == "challenge":
        return CheckFailed(Cause.HTTP_STATUS, message, phase=phase, hint=CHALLENGED)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if credential:
            return CheckFailed(Cause.AUTH_REJECTED, message, phase=phase)
        hint = LOGIN if _asks_for_basic(given) else NO_CREDENTIAL
        return CheckFailed(Cause.HTTP_STATUS, message, phase=phase, hint=hint)
    if status == PROXY_LOGIN and are_configured():
        return NotMeasured(Cause.OWN_NETWORK, message, phase=phase, hint=HINT)
    return CheckFailed(
        Cause.HTTP_STATUS, message + _wait(given), phase=phase, hint=_HINTS.get(status)
    )


def _asks_for_basic(headers: Mapping[str, str]) -> bool:
    """Whether a user name and a password would help (RFC 7617)."""
    return any(
        name.lower() == "www-authenticate" and value.strip().lower().startswith("basic")
        for name, value in headers.items()
    )


def _wait(headers: Mapping[str, str]) -> str:
    """Retry-After in seconds (RFC 9110, 10.2.3), as an ending of the message."""
    value = headers.get("Retry-After", "").strip()
    return f" (Retry-After: {value} s)" if value.isdigit() and len(value) < _MAX_WAIT else ""


def refusal_of_backend(status: int, message: str, *, credential: bool = False) -> CheckAborted:
    """The same where a redirect is not followed: a token is for no other server."""
    aborted = status_error(status, message, credential=credential)
    if 300 <= status < 400:
        aborted.hint = MOVED
    return aborted
