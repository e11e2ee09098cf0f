"""The message about an incident: its title, news, links and first steps; pure."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from alerts.model import Alert, Message, MessageType, Severity
from alerts.notification.notification_log import NotificationLogEntry
from alerts.notification.recent_changes import Marker
from alerts.notification.title import firing_title, resolved_title
from alerts.runbooks.library import RunbookLibrary, link_to
from probe.report.text.sanitize import clean
from probe.untrusted.text import listed

# An update names at most so many checks, a title fewer.
MAX_NAMES, MAX_IN_TITLE = 10, 4
NO_LONGER_ROUTED, NO_LONGER_CRITICAL = "no longer routed here", "no longer critical"
SUPPRESSED = "suppressed by a silence or maintenance window"


class AlertGroup(Struct, frozen=True):
    """All alerts of one cause: ``firing`` ones to be sent, ``suppressed`` ones that fire and are
    suppressed now, ``over`` those that were resolved since it opened. ``affected`` checks fail
    too and are no alerts yet; ``next_fires`` is when the first of them will be. ``held``: it is
    open at another probe; ``moved_to`` says as what its alerts are sent now, if not as this.
    ``members`` are all checks that it was ever about, where ``over`` has only the newest of too
    many."""

    subject: str
    firing: tuple[Alert, ...] = ()
    suppressed: tuple[Alert, ...] = ()
    over: tuple[Alert, ...] = ()
    affected: tuple[str, ...] = ()
    affected_services: tuple[str, ...] = ()
    next_fires: float = math.inf
    held: bool = False
    moved_to: str = ""
    members: tuple[str, ...] = ()


def is_open(group: AlertGroup) -> bool:
    """Whether there is anything in a group."""
    return bool(group.firing or group.over or group.suppressed or group.affected or group.held)


class MessageContext(Struct, frozen=True):
    """What every message says of the probe itself, and recent changes.

    ``public_url`` is where people reach the probe's pages, empty if they don't. ``incident``
    gives the id of the incident of a key, which ``opens`` with the message or not.
    """

    region: str
    public_url: str = ""
    grafana_url: str = ""
    changes: tuple[str, ...] = ()
    runbooks: RunbookLibrary = field(default_factory=RunbookLibrary)
    markers: tuple[Marker, ...] = ()
    incident: Callable[[str, bool], str] = lambda key, opens: ""

    def recent(self, since: float) -> tuple[str, ...]:
        """What has changed lately, for an incident that began at ``since``: markers first."""
        return (*(clean(each.before(since)) for each in self.markers), *self.changes)

    def links(
        self, runbook: str = "", *, key: str = "", opens: bool = False
    ) -> tuple[tuple[str, str], ...]:
        """Where a message about the incident of a key leads to, as (name, address)."""
        found = [("status page", f"{self.public_url}/")] if self.public_url else []
        if self.public_url and key and (incident := self.incident(key, opens)):
            found.append(("incident", f"{self.public_url}/incidents/{incident}"))
        if page := link_to(runbook, self.public_url):
            found.append(("runbook", page))
        if self.grafana_url:
            found.append(("dashboard", self.grafana_url))
        return tuple(found)

    def related(self, alert: Alert) -> tuple[tuple[str, str], ...]:
        """Where the steps for an alert lead to, as (name, address)."""
        pages = self.runbooks.related(alert) if self.public_url else ()
        return tuple((name, f"{self.public_url}/runbooks/{slug}") for name, slug in pages)


def firing_message(
    group: AlertGroup,
    alerts: Sequence[Alert],
    occasion: MessageType,
    before: NotificationLogEntry | None,
    now: float,
    context: MessageContext,
) -> Message:
    """The message of an incident that goes on. ``alerts`` are those for this receiver,
    ``before`` what it was sent last."""
    ordered = most_severe_first(alerts)
    since = min(alert.since for alert in alerts)
    story = _story(before)
    return Message(
        key=group.subject,
        occasion=occasion,
        severity=ordered[0].severity,
        title=firing_title(ordered, group.affected, group.affected_services),
        at=now,
        since=since if before is None else min(since, before.since),
        region=context.region,
        firing=tuple(ordered),
        resolved=tuple(alert for alert in group.over if name_of(alert) in story),
        changes=context.recent(since),
        affected=group.affected,
        links=(
            *context.links(ordered[0].runbook, key=group.subject, opens=True),
            *context.related(ordered[0]),
        ),
        text="\n".join(context.runbooks.steps(ordered[0])),
        news=tuple(_new_facts(before, ordered, group)) if before is not None else (),
    )


def resolved_message(
    group: AlertGroup,
    ended: tuple[Alert, ...],
    before: NotificationLogEntry,
    now: float,
    context: MessageContext,
) -> Message:
    """The message that an incident is resolved for a receiver; ``ended`` are its alerts that are
    for this receiver, those too that it was never sent."""
    story = _story(before)
    names = _checks(story | {name_of(alert) for alert in ended})
    left = [each for each in (*group.firing, *group.suppressed) if name_of(each) in story]
    rerouted = tuple(
        replace(alert, ended=now, closed=NO_LONGER_ROUTED)
        for alert in left
        if _is_rerouted(alert, before)
    )
    ended += rerouted
    title = resolved_title(names, ended, max(len(names), len(group.members)))
    if left and not rerouted:
        # Resolved for this notifier, it may still fire for another one.
        what = ", ".join(names) if len(names) <= MAX_IN_TITLE else f"{len(names)} checks"
        title = f"{what}: no longer {before.severity}"
    elif group.moved_to:
        title = f"{', '.join(names)}: {group.moved_to}"
    return Message(
        key=group.subject,
        occasion=MessageType.RESOLVED,
        severity=before.severity,
        title=title,
        at=now,
        since=min([before.since, *(alert.since for alert in ended)]),
        region=context.region,
        resolved=ended,
        links=context.links(key=group.subject),
    )


def _is_rerouted(alert: Alert, before: NotificationLogEntry) -> bool:
    """Whether an alert that a receiver was sent fires as before, and goes to others now."""
    eased = alert.severity is not Severity.CRITICAL and before.severity is Severity.CRITICAL
    return name_of(alert) in before.members and not eased


def name_of(alert: Alert) -> str:
    """How the notification log names an alert."""
    return str(alert.identity)


def wrong_of(alerts: Iterable[Alert]) -> tuple[str, ...]:
    """What the targets of alerts report as wrong, as the notification log keeps it."""
    return tuple(f"{name_of(alert)}\n{alert.wrong}" for alert in alerts if alert.wrong)


def highest_severity(alerts: Iterable[Alert]) -> Severity:
    """Critical if one of them is."""
    critical = any(alert.severity is Severity.CRITICAL for alert in alerts)
    return Severity.CRITICAL if critical else Severity.WARNING


def most_severe_first(alerts: Iterable[Alert]) -> list[Alert]:
    """Critical ones first, of each severity the oldest."""
    return sorted(alerts, key=lambda alert: (alert.severity != Severity.CRITICAL, alert.since))


def _story(before: NotificationLogEntry | None) -> frozenset[str]:
    return frozenset((*before.story, *before.members)) if before else frozenset()


def _checks(members: Iterable[str]) -> list[str]:
    return sorted({member.partition("/")[0] for member in members})


def _new_facts(
    before: NotificationLogEntry, alerts: Sequence[Alert], group: AlertGroup
) -> Iterator[str]:
    """What has changed since the last message."""
    severity = highest_severity(alerts)
    if severity is not before.severity:
        yield f"now {severity}, was {before.severity}"
    known = before.wrong_by_name
    firing = {name_of(alert) for alert in alerts}
    new = [alert for alert in alerts if name_of(alert) not in before.members]
    by_summary: dict[str, list[str]] = {}
    for alert in new:
        by_summary.setdefault(alert.summary, []).append(alert.identity.check)
    for summary, checks in by_summary.items():
        yield clean(f"now also {listed(checks, MAX_NAMES)}: {summary}")
    for alert in alerts:
        if known.get(name_of(alert), alert.wrong) != alert.wrong:
            was = known[name_of(alert)]
            yield clean(f"{alert.identity.check}: {alert.summary} (was: {was})")
            if alert.hint:
                yield clean(alert.hint)
    yield from _gone(set(before.members) - firing, before, group)


def _gone(
    members: Collection[str], before: NotificationLogEntry, group: AlertGroup
) -> Iterator[str]:
    """What became of alerts that a receiver is not sent any more: those that still fire have not
    recovered."""
    why = {name_of(alert): SUPPRESSED for alert in group.suppressed}
    for alert in group.firing:
        rerouted = _is_rerouted(alert, before)
        why[name_of(alert)] = NO_LONGER_ROUTED if rerouted else NO_LONGER_CRITICAL
    found: dict[str, dict[str, None]] = {}
    for member in sorted(members):
        found.setdefault(why.get(member, "recovered"), {})[member.partition("/")[0]] = None
    for what, names in found.items():
        yield clean(f"{what}: {', '.join([*names][:MAX_NAMES])}")
