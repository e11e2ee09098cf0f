"""What a server says of a new Engine.IO session, or why it refuses one."""

from dataclasses import dataclass

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.http_status import refusal_of_backend
from probe.net.protocol.errors import ProtocolViolation
from probe.untrusted.json_document import InvalidDocument, parse_json

MAX_OPENING = 1 << 16
# Milliseconds: a browser's timer beyond them ends at once.
_MAX_TIMER = 2**31


@dataclass(frozen=True, slots=True)
class Opening:
    """What the server says of a new session; the intervals are in seconds."""

    sid: str
    upgrades: tuple[str, ...]
    ping_interval: float
    ping_timeout: float


def read_opening(text: str, *, needs_sid: bool = True) -> Opening:
    """The open packet's content, as far as engine.io-client can go on with it.

    Over a WebSocket no further request ``needs_sid``. Raises ProtocolViolation.
    """
    try:
        document = parse_json(text, max_bytes=MAX_OPENING)
        sid = str(document.get("sid") or "")
        upgrades = tuple(str(each) for each in document["upgrades"])
        interval, timeout = document["pingInterval"], document["pingTimeout"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ProtocolViolation("does not speak Engine.IO as it should") from None
    if needs_sid and not sid:
        raise ProtocolViolation("does not speak Engine.IO as it should")
    if not _is_number(interval) or not _is_number(timeout):
        raise ProtocolViolation("sends pingInterval and pingTimeout that are not numbers")
    if not 0 < interval + timeout < _MAX_TIMER:
        raise ProtocolViolation(f"wants pings within {interval + timeout:g} ms: browsers end it")
    return Opening(sid, upgrades, interval / 1000, timeout / 1000)


def _is_number(value: object) -> bool:
    """Of JavaScript's sums: a string would be appended."""
    return isinstance(value, int | float) and not isinstance(value, bool)


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
