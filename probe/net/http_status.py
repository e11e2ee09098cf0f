"""What an HTTP status means that is not the one hoped for."""

from http import HTTPStatus

from probe.core.causes import Cause
from probe.core.model import CheckFailed, NotMeasured, Stop

MOVED = "Set BACKEND_URL to the address that the redirect leads to."


def refusal(status: int, message: str, *, phase: str | None = None) -> Stop:
    """The cause behind a status. A 429 is our own doing, and no outage."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotMeasured(Cause.RATE_LIMITED, message, phase=phase)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return CheckFailed(Cause.AUTH_REJECTED, message, phase=phase)
    return CheckFailed(Cause.HTTP_STATUS, message, phase=phase)


def refusal_of_backend(status: int, message: str) -> Stop:
    """The same where a redirect is not followed: a token is for no other server."""
    stop = refusal(status, message)
    if 300 <= status < 400:
        stop.hint = MOVED
    return stop
