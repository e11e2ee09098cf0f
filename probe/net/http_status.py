"""What an HTTP status means that is not the expected one."""

from http import HTTPStatus

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.proxies import HINT, PROXY_LOGIN, are_configured

MOVED = "Set BACKEND_URL to the address that the redirect leads to."
NO_CREDENTIAL = (
    "Access is denied and no credential was sent: check the rules of the proxy or firewall "
    "in front of the server."
)


def status_error(
    status: int, message: str, *, phase: str | None = None, credential: bool = False
) -> CheckAborted:
    """The cause behind a status. A 429 is our own doing, and no outage.

    Authentication is blamed only where a ``credential`` was sent with the request.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotMeasured(Cause.RATE_LIMITED, message, phase=phase)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if credential:
            return CheckFailed(Cause.AUTH_REJECTED, message, phase=phase)
        return CheckFailed(Cause.HTTP_STATUS, message, phase=phase, hint=NO_CREDENTIAL)
    if status == PROXY_LOGIN and are_configured():
        return NotMeasured(Cause.OWN_NETWORK, message, phase=phase, hint=HINT)
    return CheckFailed(Cause.HTTP_STATUS, message, phase=phase)


def refusal_of_backend(status: int, message: str, *, credential: bool = False) -> CheckAborted:
    """The same where a redirect is not followed: a token is for no other server."""
    aborted = status_error(status, message, credential=credential)
    if 300 <= status < 400:
        aborted.hint = MOVED
    return aborted
