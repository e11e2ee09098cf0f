"""What a Socket.IO application says when it refuses a session or complains, as a cause.

Its numeric codes decide; its texts are shown and never interpreted.
"""

import json
import re

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured

_TOO_MANY_REQUESTS = 429
# What Socket.IO itself answers, before any application could.
_UNKNOWN_NAMESPACE = {"message": "Invalid namespace"}
_NAMESPACE_HINT = (
    "The server answers, and refuses the namespace: is its name right? See the backend's "
    "log, and what it depends on (/health)."
)


class ApplicationError(CheckFailed):
    """The application says that something is wrong; the session may stay open all the same."""


class NamespaceRefused(CheckFailed):
    """The application refuses the session, in a text that proves nothing about the token."""


def _readable(payload: object) -> str:
    """What the server says, fit to be shown: one line, short, no word that may be a secret."""
    text = payload.get("message", "") if isinstance(payload, dict) else payload
    text = text if isinstance(text, str) else json.dumps(text)[:2000] if text else ""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[:2000]).split())
    return re.sub(r"[\w+/=.~-]{20,}", "…", line)[:160]


def _code_of(payload: object) -> int | None:
    """A status in a field of its own, as in ``{"status": 429}``."""
    while isinstance(payload, dict):
        for name in ("statusCode", "status", "code"):
            if isinstance(payload.get(name), int):
                return int(payload[name])
        payload = payload.get("data")
    return None


def _by_code(payload: object, message: str) -> CheckAborted | None:
    code = _code_of(payload)
    if code == _TOO_MANY_REQUESTS:
        return NotMeasured(Cause.RATE_LIMITED, message)
    if code == 401:
        return CheckFailed(Cause.AUTH_REJECTED, message)
    return None


def refused_namespace(content: object, host: str) -> CheckAborted:
    """The error that a CONNECT_ERROR packet (Socket.IO protocol 5) with this content stands for."""
    payload = _readable(content)
    message = f"{host} refuses the namespace" + (f": {payload}" if payload else "")
    if content == _UNKNOWN_NAMESPACE:
        return CheckFailed(Cause.PROTOCOL_ERROR, message, hint=_NAMESPACE_HINT)
    return _by_code(content, message) or NamespaceRefused(
        Cause.PROTOCOL_ERROR, message, hint=_NAMESPACE_HINT
    )


def complaint(name: str, content: object) -> CheckAborted:
    """What an event of this name means by which the application complains."""
    payload = _readable(content)
    message = f'the server sends "{name}"' + (f": {payload}" if payload else "")
    hint = "See the backend's log for this moment."
    return _by_code(content, message) or ApplicationError(Cause.PROTOCOL_ERROR, message, hint=hint)
