"""A message in plain words, as all notifiers tell it. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from alerts.model import Alert, Message, MessageType, Severity
from probe.core.model import Unit
from probe.report.text.sanitize import clean, cut
from probe.report.text.units import show

MARKS = {
    MessageType.RESOLVED: "✓",
    MessageType.NOTE: "i",
}
# More of a kind would hide what matters; the status page has them all.
MOST_ALERTS, MOST_LINES, MOST_NAMES = 6, 4, 10
# One long text must not push out the others.
LONGEST_LINE = 300


def symbol(message: Message) -> str:
    """A sign for people who read colours or symbols before words."""
    if message.occasion in MARKS:
        return MARKS[message.occasion]
    return "✗" if message.severity is Severity.CRITICAL else "!"


def severity_word(message: Message) -> str:
    """The severity, or that it is over."""
    if message.occasion is MessageType.RESOLVED:
        return "RESOLVED"
    reminder = "STILL " if message.occasion is MessageType.REMINDER else ""
    return reminder + message.severity.upper()


def headline(message: Message) -> str:
    """What it is about, in a line."""
    test = "[TEST] " if message.test else ""
    return clean(f"{symbol(message)} {test}{severity_word(message)}: {message.title}")


def time_range(message: Message) -> str:
    """Since when, and for how long or until when."""
    if message.occasion is MessageType.NOTE:
        return f"at {_clock(message.at)}"
    lasted = show(max(0.0, message.at - message.since), Unit.SECONDS)
    if message.occasion is MessageType.RESOLVED:
        return f"{_clock(message.since)} to {_clock(message.at)} ({lasted})"
    return f"since {_clock(message.since)} ({lasted})"


def alert_lines(alert: Alert) -> Iterator[str]:
    """One alert: what, where, why, against which limit."""
    yield _line(f"{alert.identity.check}: {alert.summary}")
    where = [alert.target, *(f"{name} {value}" for name, value in alert.labels)]
    yield _line(f"at {' · '.join(where)}")
    if alert.cause:
        yield _line(f"failed in {alert.phase}, cause {alert.cause}")
    measured = [alert.value, alert.limit] if alert.value not in alert.summary else []
    if figures := [each for each in (*measured, alert.trend) if each]:
        yield _line(", ".join(figures))
    if alert.hint:
        yield _line(alert.hint)


def facts(message: Message) -> Iterator[list[str]]:
    """The message below its headline, in paragraphs of one fact a line: when and where it is
    seen from, each alert, and what else there is to know."""
    alerts = message.firing or message.resolved
    yield [_line(f"{time_range(message)}, {_view(message)}")]
    for alert in alerts[:MOST_ALERTS]:
        yield [*alert_lines(alert), *_differing(alert, message)]
    more = [f"and {len(alerts) - MOST_ALERTS} more"] if len(alerts) > MOST_ALERTS else []
    if around := [*more, *_around(message)]:
        yield around


def lines(message: Message) -> Iterator[str]:
    """The same without paragraphs."""
    for paragraph in facts(message):
        yield from paragraph


def steps(message: Message) -> list[str]:
    """What to do first, or what else there is to say."""
    return [_line(line) for line in message.text.splitlines()[:MOST_LINES] if line.strip()]


def _differing(alert: Alert, message: Message) -> Iterator[str]:
    """Of an alert among several: what is not as the message says of all."""
    if message.firing and alert.severity is not message.severity:
        yield f"{alert.severity.value} only"
    if message.firing and alert.since - message.since >= 1.0:
        yield f"since {_clock(alert.since)}"
    if alert.view and alert.view != _view(message):
        yield _line(alert.view)


def _view(message: Message) -> str:
    """Who sees it: of several alerts, the first."""
    alerts = message.firing or message.resolved
    return (alerts[0].view if alerts else "") or f"seen from {message.region}"


def _around(message: Message) -> Iterator[str]:
    if message.firing and message.resolved:
        yield f"over by now: {_names(tuple(each.identity.check for each in message.resolved))}"
    if message.affected:
        yield f"also failing: {_names(message.affected)}"
    for change in message.changes[:MOST_LINES]:
        yield _line(f"changed lately: {change}")


def _names(names: tuple[str, ...]) -> str:
    different = list(dict.fromkeys(names))
    more = len(different) - MOST_NAMES
    listed = _line(", ".join(different[:MOST_NAMES]))
    return listed + (f" and {more} more" if more > 0 else "")


def _line(text: str) -> str:
    return cut(clean(text), LONGEST_LINE)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
