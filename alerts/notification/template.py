"""A message in plain words, as all notifiers show it. Pure.

The first line gives impact, place and start. Then follow evidence, a few steps and links,
and nothing twice. An update says what has changed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Message, MessageType, Severity
from probe.core.model import Unit
from probe.report.text.sanitize import clean, cut, cut_between_words
from probe.report.text.units import show

MARKS = {
    MessageType.RESOLVED: "✓",
    MessageType.NOTE: "i",
}
CLOSED_MARK = "-"
# More of a kind would hide what matters; the status page has them all.
MAX_ALERTS, MAX_LINES, MAX_NAMES, MAX_NEWS = 6, 4, 10, 20
# One long text must not push out the others.
MAX_LINE = 300
# A step is ours and no target's; a command in it that is cut can't be executed.
MAX_STEP = 600
NEW = "now also "
RISEN = f"now {Severity.CRITICAL}, was {Severity.WARNING}"
_SAME = Fingerprint("", "")
# A headline of so many characters fits where services show one; its end says since when.
MAX_HEADLINE = 150
# Where it fails and at how many checks, which a title ends with: its reason is cut before.
_PLACE = re.compile(r" (at \S+, \d+ checks|at \S+ \(\S+\)|\d+ checks|\(\S+\)|at \S+)$")


def symbol(message: Message) -> str:
    """A symbol that shows state and severity at a glance."""
    if is_closed(message):
        return CLOSED_MARK
    if message.occasion in MARKS:
        return MARKS[message.occasion]
    return "✗" if message.severity is Severity.CRITICAL else "!"


def severity_word(message: Message) -> str:
    """The severity, or RESOLVED."""
    if is_closed(message):
        return "CLOSED"
    if message.occasion is MessageType.RESOLVED:
        return "RESOLVED"
    reminder = "STILL " if message.occasion is MessageType.REMINDER else ""
    return reminder + message.severity.upper()


def is_closed(message: Message) -> bool:
    """Whether an incident ends without a recovery: its checks are no longer monitored."""
    over = message.occasion is MessageType.RESOLVED
    return over and bool(message.resolved) and all(each.closed for each in message.resolved)


def headline(message: Message) -> str:
    """What users lose, where, and since when, in a line; of what is over, how long it lasted."""
    test = "[TEST] " if message.test else ""
    text = clean(f"{symbol(message)} {test}{severity_word(message)}: {message.title}")
    since = f", since {_moment(_began(message), message.at)}" if message.firing else ""
    if message.occasion is MessageType.RESOLVED and not message.firing:
        since = f", after {_lasted(message)}" if _end(message) > message.since else ""
    place = _PLACE.search(text)
    return cut_between_words(text, MAX_HEADLINE - len(since), place[1] if place else "") + since


def time_range(message: Message) -> str:
    """Since when, and for how long or until when."""
    if message.occasion is MessageType.NOTE:
        return f"at {_clock(message.at)}"
    if message.occasion is MessageType.RESOLVED:
        end = _end(message)
        if end <= message.since:
            return f"at {_clock(end)}"
        return f"{_clock(message.since)} to {_clock(end)} ({_lasted(message)})"
    return f"since {_clock(_began(message))} ({_lasted(message)})"


def facts(message: Message, *, whole: bool = False) -> Iterator[list[str]]:
    """The message below its headline, in paragraphs of one fact a line: when and where it is
    seen from, each alert, and what else there is to know. Of an update, what has changed,
    unless the ``whole`` is to be shown."""
    shown: set[str] = {*steps(message)}
    for paragraph in _paragraphs(message, whole=whole):
        new = list(dict.fromkeys(line for line in paragraph if line not in shown))
        shown |= set(new)
        if new:
            yield new


def lines(message: Message) -> Iterator[str]:
    """The same without paragraphs."""
    for paragraph in facts(message):
        yield from paragraph


def steps(message: Message, *, whole: bool = False) -> list[str]:
    """What to do first, or what else there is to say. An update repeats no steps."""
    if is_update(message) and not whole:
        return []
    lines = message.text.splitlines()[:MAX_LINES]
    return [cut(clean(line), MAX_STEP) for line in lines if line.strip()]


def is_update(message: Message) -> bool:
    """Whether a message says no more than what has changed since the one before. One that is
    critical now because of a new alert says everything: what it says to do is another."""
    rises = RISEN in message.news and any(each.startswith(NEW) for each in message.news)
    return message.occasion is MessageType.CHANGED and bool(message.news) and not rises


def change_lines(message: Message) -> list[str]:
    """What has changed since the message before, a line each; of very much, the first."""
    left = len(message.news) - MAX_NEWS
    more = [f"and {left} more changes"] if left > 0 else []
    return [*(_line(each) for each in message.news[:MAX_NEWS]), *more]


def _paragraphs(message: Message, *, whole: bool) -> Iterator[list[str]]:
    view = _view(message)
    # The headline of what fires says since when.
    when = f"for {_lasted(message)}, " if message.firing else f"{time_range(message)}, "
    is_new = message.firing and message.at - _began(message) < 1.0
    yield [_line(f"{'' if is_new else when}{view}")]
    if change_lines(message):
        yield change_lines(message)
    if is_update(message) and not whole:
        yield [_line(f"recent change: {each}") for each in message.changes[:MAX_LINES]]
        return
    groups = _alike(message.firing or message.resolved)
    for place, (names, alert) in enumerate(groups[:MAX_ALERTS]):
        shown = [*_alert_lines(names, alert, message), *_differing(alert, message)]
        yield [*_past(message), *shown] if place == 0 else shown
    left = sum(len(names) for names, _ in groups[MAX_ALERTS:])
    yield [*([f"and {left} more"] if left else []), *_around(message)]


def _past(message: Message) -> list[str]:
    """What follows is in the present tense, as it was seen, and over by now."""
    if message.firing or not message.resolved:
        return []
    return ["Last seen:" if is_closed(message) else "What had failed:"]


def _alike(alerts: Sequence[Alert]) -> list[tuple[list[str], Alert]]:
    """Alerts that say the same of several checks, as one with all their names: from the first
    of their beginnings to the last of their ends."""
    found: dict[Alert, list[Alert]] = {}
    for alert in alerts:
        same = replace(alert, identity=_SAME, since=0.0, fired=0.0, ended=None, service="", hint="")
        found.setdefault(same, []).append(alert)
    groups = []
    for group in found.values():
        first, names = group[0], dict.fromkeys(each.identity.check for each in group)
        since = min(each.since for each in group)
        ends = [each.ended for each in group if each.ended is not None]
        whole = replace(first, since=since, ended=max(ends) if len(ends) == len(group) else None)
        groups.append((list(names), whole))
    return groups


def _alert_lines(names: Sequence[str], alert: Alert, message: Message) -> Iterator[str]:
    """One alert, or several alike: what, where, why, against which limit; without what the
    title says."""
    title, check = message.title, _names(names)
    alone = len(message.firing or message.resolved) == 1
    if clean(alert.summary) not in title:
        yield _line(f"{check}: {alert.summary}")
    elif not alone or check not in title:
        yield _line(check)
    target = [] if alone and alert.target in title else [alert.target]
    if where := [*target, *(f"{name} {value}" for name, value in alert.labels)]:
        yield _line(f"at {' · '.join(where)}" if target else ", ".join(where))
    if alert.cause:
        yield _line(f"phase={alert.phase}, cause={alert.cause}")
    # What is yes or no is said by the summary's sentence.
    is_said = alert.value in alert.summary or alert.limit.startswith("should be ")
    measured = [] if is_said else [alert.value, alert.limit]
    if figures := [each for each in (*measured, alert.trend) if each]:
        yield _line(", ".join(figures))
    if alert.hint and message.firing:
        yield _line(alert.hint)


def _differing(alert: Alert, message: Message) -> Iterator[str]:
    """Of an alert among several: what is not as the message says of all."""
    if message.firing and alert.severity is not message.severity:
        yield f"{alert.severity.value} only"
    if message.firing and abs(alert.since - _began(message)) >= 1.0:
        yield f"since {_moment(alert.since, message.at)}"
    if len(message.resolved) > 1 and not message.firing and alert.ended is not None:
        yield f"{_moment(alert.since, message.at)} to {_moment(alert.ended, message.at)}"
    if alert.view and alert.view != _view(message):
        yield _line(alert.view)


def _view(message: Message) -> str:
    """Who sees it: of several alerts, the first."""
    alerts = message.firing or message.resolved
    return (alerts[0].view if alerts else "") or f"seen from {message.region}"


def _around(message: Message) -> Iterator[str]:
    if message.firing and message.resolved and not message.news:
        yield f"recovered: {_names(each.identity.check for each in message.resolved)}"
    if message.affected:
        yield f"also failing: {_names(message.affected)}"
    for change in message.changes[:MAX_LINES]:
        yield _line(f"recent change: {change}")


def _names(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    more = len(different) - MAX_NAMES
    listed = _line(", ".join(different[:MAX_NAMES]))
    return listed + (f" and {more} more" if more > 0 else "")


def _line(text: str) -> str:
    return cut_between_words(clean(text), MAX_LINE)


def _end(message: Message) -> float:
    """Until when: an incident ended when the last of its checks passed again, not when that was
    certain."""
    ends = [alert.ended for alert in message.resolved if alert.ended is not None]
    over = message.occasion is MessageType.RESOLVED and ends
    return max([*ends, message.since]) if over else message.at


def _began(message: Message) -> float:
    """Since when it is as severe as it says: a warning from before is no part of an outage."""
    worst = [each.since for each in message.firing if each.severity is message.severity]
    lesser = [each.since for each in message.firing if each.severity is not message.severity]
    if worst and lesser and min(lesser) <= message.since:
        return max(message.since, min(worst))
    return message.since


def _lasted(message: Message) -> str:
    began = _began(message) if message.firing else message.since
    return show(max(0.0, _end(message) - began), Unit.SECONDS)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _moment(seconds: float, now: float) -> str:
    """A time of day; with its date where that isn't today."""
    moment, today = datetime.fromtimestamp(seconds, UTC), datetime.fromtimestamp(now, UTC)
    if moment.date() == today.date():
        return moment.strftime("%H:%M:%S UTC")
    return _clock(seconds)
