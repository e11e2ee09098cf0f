"""When an incident is worth a message to a receiver, and which kind of message; pure."""

import math
from collections.abc import Iterable, Sequence

from alerts.model import Alert, MessageType, Severity
from alerts.notification.message import highest_severity, name_of
from alerts.notification.notification_log import NotificationLogEntry
from alerts.notification.route import Route

# A change of what is wrong is sent at once, but no sooner than this after the last message.
MIN_INTERVAL_SECONDS = 30.0
# What was refused is sent again after a group interval, and no sooner than this.
REFUSED_SECONDS = 60.0
# The first message of a warning waits so much longer, and no more than its group_wait again, for
# other alerts of its incident that are due by then.
LONGER_WAIT_SECONDS = 10.0


def occasion_for(
    route: Route,
    view: NotificationLogEntry | None,
    shown: Sequence[Alert],
    now: float,
    expected: float = math.inf,
) -> MessageType | None:
    """The kind of message that is due to a receiver; None for none. ``view`` is its log entry,
    ``shown`` the alerts that the message would show; another one is ``expected`` then."""
    if not shown:
        return None
    if view is None:
        certain = highest_severity(shown) is Severity.CRITICAL
        waits, longest = _first_waits(route, shown)
        due = longest if expected <= longest else waits
        return MessageType.FIRING if certain or now >= due else None
    waited = now - view.sent_at
    if view.refused:
        again = MessageType.CHANGED if view.accepted else MessageType.FIRING
        return again if waited >= refused_interval(route) else None
    if _rises(view, shown) or (waited >= MIN_INTERVAL_SECONDS and _is_other(view, shown)):
        return MessageType.CHANGED
    if waited >= route.group_interval and _differs(route, view, shown):
        return MessageType.CHANGED
    return MessageType.REMINDER if waited >= route.remind_seconds else None


def _first_waits(route: Route, shown: Iterable[Alert]) -> tuple[float, float]:
    """Until when the first message of warnings waits for others of their incident, and until when
    for those that are expected by then."""
    waits = min(alert.fired for alert in shown) + route.group_wait
    return waits, waits + min(route.group_wait, LONGER_WAIT_SECONDS)


def refused_interval(route: Route) -> float:
    """After how many seconds what was refused is sent again."""
    return max(route.group_interval, REFUSED_SECONDS)


def _rises(view: NotificationLogEntry, shown: Sequence[Alert]) -> bool:
    return view.severity is Severity.WARNING and highest_severity(shown) is Severity.CRITICAL


def _differs(route: Route, view: NotificationLogEntry, shown: Sequence[Alert]) -> bool:
    """Whether there is news: a member that joined, a lower severity. That a member recovered
    is none, but for a receiver that groups by itself."""
    names = {name_of(alert) for alert in shown}
    if names - set(view.members) or view.severity is not highest_severity(shown):
        return True
    return route.resends and names != set(view.members)


def _is_other(view: NotificationLogEntry, shown: Iterable[Alert]) -> bool:
    """Whether something else is wrong with a check that the receiver knows of."""
    known = view.wrong_by_name
    return any(
        known.get(name_of(alert), alert.wrong) != alert.wrong for alert in shown if alert.wrong
    )


def next_times(
    route: Route, view: NotificationLogEntry | None, mine: Sequence[Alert]
) -> list[float]:
    """When a message will be due without a new event."""
    if view is None:
        return [*_first_waits(route, mine)]
    if view.refused:
        return [view.sent_at + refused_interval(route)]
    soonest = MIN_INTERVAL_SECONDS if _is_other(view, mine) else route.group_interval
    waits = soonest < route.group_interval or _differs(route, view, mine)
    return [view.sent_at + (soonest if waits else route.remind_seconds)]
