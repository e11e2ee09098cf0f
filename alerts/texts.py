"""A message in plain words, as all notifiers tell it. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from alerts.model import Alert, Message, Occasion, Severity
from probe.model import Unit
from probe.report.text import clean
from probe.report.units import show

MARKS = {
    Occasion.RESOLVED: "✓",
    Occasion.NOTE: "i",
}
# More of a kind would hide what matters; the status page has them all.
MOST_ALERTS, MOST_LINES = 6, 4


def mark(message: Message) -> str:
    """A sign for people who read colours or symbols before words."""
    if message.occasion in MARKS:
        return MARKS[message.occasion]
    return "✗" if message.severity is Severity.CRITICAL else "!"


def word(message: Message) -> str:
    """The severity, or that it is over."""
    if message.occasion is Occasion.RESOLVED:
        return "RESOLVED"
    reminder = "STILL " if message.occasion is Occasion.REMINDER else ""
    return reminder + message.severity.upper()


def headline(message: Message) -> str:
    """What it is about, in a line."""
    test = "[TEST] " if message.test else ""
    return clean(f"{mark(message)} {test}{word(message)}: {message.title}")


def when(message: Message) -> str:
    """Since when, and for how long or until when."""
    lasted = show(max(0.0, message.at - message.since), Unit.SECONDS)
    if message.occasion is Occasion.RESOLVED:
        return f"{_clock(message.since)} to {_clock(message.at)} ({lasted})"
    return f"since {_clock(message.since)} ({lasted})"


def what(alert: Alert) -> Iterator[str]:
    """One alert: what, where, why, against which limit."""
    yield clean(f"{alert.identity.check}: {alert.summary}")
    where = [alert.target, *(f"{name} {value}" for name, value in alert.labels)]
    yield clean(f"at {' · '.join(where)}")
    if alert.cause:
        yield clean(f"failed in {alert.phase}, cause {alert.cause}")
    if alert.trend:
        yield clean(alert.trend)


def lines(message: Message) -> Iterator[str]:
    """The whole message below its headline, one fact a line."""
    yield f"{when(message)}, seen from {clean(message.region)}"
    alerts = message.firing or message.resolved
    for alert in alerts[:MOST_ALERTS]:
        yield from what(alert)
    if len(alerts) > MOST_ALERTS:
        yield f"and {len(alerts) - MOST_ALERTS} more"
    if message.affected:
        yield clean(f"also failing: {', '.join(message.affected[:10])}")
    for change in message.changes[:MOST_LINES]:
        yield clean(f"changed lately: {change}")


def steps(message: Message) -> list[str]:
    """What to do first, or what else there is to say."""
    return [clean(line) for line in message.text.splitlines()[:MOST_LINES] if line.strip()]


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
