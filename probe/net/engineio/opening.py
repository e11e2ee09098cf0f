"""What a server says of a new Engine.IO session, or why it refuses one."""

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.http_status import refusal_of_backend
from probe.net.protocol.errors import ProtocolViolation
from probe.untrusted.javascript_json import parse_as_javascript
from probe.untrusted.javascript_number import javascript_sum, timer_milliseconds
from probe.untrusted.json_document import InvalidDocument, parse_json

MAX_OPENING = 1 << 20


class Opening(Struct, frozen=True):
    """What the server says of a new session; ``silence`` is how many seconds may pass between two
    of its pings."""

    sid: str
    upgrades: tuple[str, ...]
    silence: float


def read_opening(text: str, *, by_polling: bool = True) -> Opening:
    """The open packet's content, as far as engine.io-client can go on with it.

    Over a WebSocket no further request needs ``sid``, and nothing is upgraded. Raises
    ProtocolViolation.
    """
    try:
        document = parse_as_javascript(text[: MAX_OPENING + 1])
        sid = str(document.get("sid") or "")
        upgrades = _upgrades(document["upgrades"])
        timers = document["pingInterval"], document["pingTimeout"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ProtocolViolation("does not speak Engine.IO as it should") from None
    if by_polling and not sid:
        raise ProtocolViolation("does not speak Engine.IO as it should")
    if by_polling and "polling" in upgrades:
        raise ProtocolViolation("offers an upgrade from polling to polling: browsers poll twice")
    silence = timer_milliseconds(javascript_sum(*timers))
    if silence <= 0:
        raise ProtocolViolation("sends pingInterval and pingTimeout that end a session at once")
    return Opening(sid, upgrades, silence / 1000)


def _upgrades(value: object) -> tuple[str, ...]:
    """What a page's loop over it finds. Raises TypeError for null."""
    if value is None:
        raise TypeError
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


class Unavailable(CheckFailed):
    """A status of 5xx: nothing behind the proxy answers, or not yet."""


def refused_request(status: int, host: str, detail: str = "") -> CheckAborted:
    """The cause behind a status that is neither 200 nor 101.

    The token is sent later, in Socket.IO's CONNECT packet: no status here refuses it.
    """
    message = f"{host} answers the Socket.IO handshake with status {status}"
    message += f": {detail}" if detail else ""
    aborted: CheckAborted = refusal_of_backend(status, message)
    if aborted.cause is Cause.HTTP_STATUS and status in (400, 404, 405, 426):
        # The server there is up, and speaks no Socket.IO at this path.
        return CheckFailed(Cause.PROTOCOL_ERROR, message)
    if aborted.cause is Cause.HTTP_STATUS and status >= 500:
        return Unavailable(aborted.cause, aborted.message, hint=aborted.hint)
    return aborted


def not_socketio(host: str) -> CheckAborted:
    """The other side says something else than it should."""
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} does not speak Socket.IO as it should")


def refusal_text(body: bytes) -> str:
    """Engine.IO's own text in a refusal (``{"code", "message"}``), else a short plain text."""
    text = body.decode("utf-8", "replace")
    try:
        document = parse_json(text)
    except InvalidDocument:
        document = "" if "<" in text else text
    if isinstance(document, dict):
        document = document.get("message", "")
    if not isinstance(document, str):
        return ""
    line = " ".join("".join(each if each.isprintable() else " " for each in document).split())
    return line if len(line) <= 100 else ""
