"""Pending messages that newer ones supersede; pure.

Undelivered messages of one key become what a service still needs:

    firing, changed, reminder …   the newest content, as loud as the loudest of them
    firing, resolved              never attempted: one resolved with both times where
                                  missed incidents are sent, else nothing
    firing, resolved              attempted, so perhaps received: one resolved
    changed, resolved             one resolved
    firing, resolved, firing      never attempted: the newest firing
    resolved, firing              both: the first may end what was delivered long ago

Notes and tests are never touched, and nothing is merged across them.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Delivery, Message, MessageType

# A message names at most so many resolved alerts; of more, the newest.
MAX_RESOLVED = 20

_URGENCY = {MessageType.REMINDER: 0, MessageType.CHANGED: 1, MessageType.FIRING: 2}


class Step(Struct, frozen=True):
    """``new`` stands for all of ``old`` (the same one thing if it is left alone).

    ``past``: the resolve of an incident that no service was sent.
    """

    old: tuple[Delivery, ...]
    new: Delivery | None
    past: bool = False

    @property
    def untouched(self) -> bool:
        """Whether there is nothing to replace."""
        return len(self.old) == 1 and self.new == self.old[0]


def collapse(deliveries: Sequence[Delivery], sends_missed_incidents: bool) -> list[Step]:
    """What becomes of the waiting deliveries of one notifier and key, given in order.

    Every delivery is in exactly one step, and the steps are in order.
    """
    steps: list[Step] = []
    for delivery in deliveries:
        steps.append(Step((delivery,), delivery))
        while len(steps) > 1 and (merged := _merged(steps[-2], steps[-1], sends_missed_incidents)):
            steps[-2:] = [merged]
    return _without_overtaken_past(steps)


def _merged(first: Step, second: Step, sends_missed_incidents: bool) -> Step | None:
    """Both as one, or None if they stay two."""
    one, two = first.new, second.new
    if (
        one is None
        or two is None
        or not (one.message.is_of_incident and two.message.is_of_incident)
    ):
        return None
    if two.message.occasion is not MessageType.RESOLVED:
        return None if _over(one) else _joined(first, second, _still_firing(one, two))
    if _over(one):
        merged = _joined(first, second, _over_twice(one, two))
        return replace(merged, past=first.past and second.past)
    return _ended(first, second, one, two, sends_missed_incidents)


def _ended(
    first: Step, second: Step, one: Delivery, two: Delivery, sends_missed_incidents: bool
) -> Step:
    unsent = one.message.occasion is MessageType.FIRING and not one.attempts
    if unsent and not sends_missed_incidents:
        return Step(first.old + second.old, None)
    since = min(one.message.since, two.message.since)
    merged = _joined(first, second, replace(two.message, since=since))
    return replace(merged, past=unsent)


def _without_overtaken_past(steps: list[Step]) -> list[Step]:
    """A resolve that was never delivered is superseded when the alert fires again."""
    kept: list[Step] = []
    for step in steps:
        if kept and kept[-1].past and step.new is not None and _opens(step.new):
            old = kept.pop().old + step.old
            step = Step(old, replace(step.new, number=old[0].number))
        kept.append(step)
    return kept


def _joined(first: Step, second: Step, message: Message) -> Step:
    """The first one's place, attempts and retry, with a new content."""
    assert first.new is not None
    return Step(first.old + second.old, replace(first.new, message=message))


def _still_firing(one: Delivery, two: Delivery) -> Message:
    occasions = (one.message.occasion, two.message.occasion)
    most_urgent = max(occasions, key=_URGENCY.__getitem__)
    since = min(one.message.since, two.message.since)
    # A first message says all; an update what has changed since what was delivered.
    first = most_urgent is MessageType.FIRING
    news = () if first else tuple(dict.fromkeys((*one.message.news, *two.message.news)))
    return replace(two.message, occasion=most_urgent, since=since, news=news)


def _over_twice(one: Delivery, two: Delivery) -> Message:
    alerts: dict[tuple[object, float], Alert] = {}
    for alert in (*one.message.resolved, *two.message.resolved):
        alerts[alert.identity, alert.since] = alert
    since = min(one.message.since, two.message.since)
    resolved = tuple(alerts.values())[-MAX_RESOLVED:]
    quiet = one.message.quiet and two.message.quiet
    return replace(two.message, since=since, resolved=resolved, quiet=quiet)


def _over(delivery: Delivery) -> bool:
    return delivery.message.occasion is MessageType.RESOLVED


def _opens(delivery: Delivery) -> bool:
    return delivery.message.occasion is MessageType.FIRING
