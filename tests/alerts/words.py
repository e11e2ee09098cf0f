"""Messages and alerts for tests, in few words."""

from typing import Any

from msgspec.structs import replace

from alerts.model import Alert, Delivery, Fingerprint, Message, MessageType, Severity, Silence

FIRING, CHANGED, REMINDER = MessageType.FIRING, MessageType.CHANGED, MessageType.REMINDER
RESOLVED, NOTE = MessageType.RESOLVED, MessageType.NOTE


def an_alert(check: str = "backend", since: float = 0.0, **parts: Any) -> Alert:
    """An alert about a check."""
    alert = Alert(
        identity=Fingerprint(check, "failing"),
        severity=Severity.CRITICAL,
        since=since,
        fired=since + 30.0,
        summary=f"{check} fails",
        kind="http",
        target="https://example.test",
        region="lax",
        runbook="http-failing",
    )
    return replace(alert, **parts)


def page(name: str, since: float) -> Alert:
    """A page that is a service of its own and fails."""
    return an_alert(name, since, service=name)


def services(count: int, summary: str = "it is down") -> list[Alert]:
    """Pages that are services of their own and fail."""
    made = [page(f"site-{number:03}", 0.0) for number in range(count)]
    return [replace(each, summary=summary) for each in made]


def a_message(
    occasion: MessageType = FIRING, key: str = "a", at: float = 0.0, **parts: Any
) -> Message:
    """A message of a key; it says of itself when it was made."""
    message = Message(
        key=key,
        occasion=occasion,
        severity=Severity.CRITICAL,
        title=f"{occasion} at {at:g}",
        at=at,
        since=at,
        region="lax",
    )
    return replace(message, **parts)


def a_delivery(
    occasion: MessageType = FIRING,
    key: str = "a",
    at: float = 0.0,
    to: str = "pager",
    **parts: Any,
) -> Delivery:
    """A delivery of such a message; ``parts`` are the delivery's."""
    return replace(Delivery(to, a_message(occasion, key, at)), **parts)


def a_silence(name: str = "s1", start: float = 0.0, end: float = 100.0) -> Silence:
    """A silence of the backend."""
    return Silence(name, ("backend",), "ada", "moving", start, end)
