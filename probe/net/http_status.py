"""What an HTTP status means that is not the one hoped for."""

from http import HTTPStatus

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.proxies import HINT, PROXY_LOGIN, are_configured

MOVED = "Set BACKEND_URL to the address that the redirect leads to."


def status_error(status: int, message: str, *, phase: str | None = None) -> CheckAborted:
    """The cause behind a status. A 429 is our own doing, and no outage."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotMeasured(Cause.RATE_LIMITED, message, phase=phase)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return CheckFailed(Cause.AUTH_REJECTED, message, phase=phase)
    if status == PROXY_LOGIN and are_configured():
        return NotMeasured(Cause.OWN_NETWORK, message, phase=phase, hint=HINT)
    return CheckFailed(Cause.HTTP_STATUS, message, phase=phase)


def refusal_of_backend(status: int, message: str) -> CheckAborted:
    """The same where a redirect is not followed: a token is for no other server."""
    stop = status_error(status, message)
    if 300 <= status < 400:
        stop.hint = MOVED
    return stop
