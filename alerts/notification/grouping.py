"""Which receiver is notified of which incident, and when: incidents in, messages out.

Grouping as Alertmanager's: the first message of an incident waits ``group_wait`` unless it is
certain and critical; what joins later waits ``group_interval``, a rise in severity doesn't;
after ``repeat_interval`` a reminder is sent. Each notifier has a log entry of its own for
every incident, so a pager gets an incident when it becomes critical and its resolve when it
eases to a warning, while a chat gets both. Members that recover are no news: the resolve
names them. Pure: the log is all there is, and it can be stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from alerts.model import Alert, Delivery, Message, MessageType, Severity
from alerts.notification.message import (
    AlertGroup,
    MessageContext,
    firing_message,
    highest_severity,
    name_of,
    resolved_message,
    wrong_of,
)
from alerts.notification.notification_log import Key, NotificationLog, NotificationLogEntry
from alerts.notification.occasion import next_times, occasion_for, refused_interval
from alerts.notification.route import Route, Routes
from alerts.role import THIS_PROBE, Assignment, Role

# The resolve of an incident is remembered for so long: another member, for which an alert flaps,
# ends it a quarter of an hour later and more.
ENDED_SECONDS = 3600.0

# Of a notifier, an incident and its log entry, over or not: this probe's part.
Assign = Callable[[str, str, NotificationLogEntry | None, bool], Assignment]
# Whether an alert is still true now.
Confirm = Callable[[Alert], bool]


def _alone(name: str, subject: str, view: NotificationLogEntry | None, over: bool) -> Assignment:
    return Assignment(Role.SEND)


def _certain(alert: Alert) -> bool:
    return True


@dataclass(slots=True)
class GroupStore:
    """The log of all notifiers; ``settle`` brings it up to date.

    ``assign`` says whether this probe is the one of several that sends, ``owner_elsewhere`` who has
    sent what is not due here; ``confirm`` whether an alert may be sent now; ``ended`` is when the
    end of an incident was last sent, by notifier and incident.
    """

    routes: Routes
    log: NotificationLog = field(default_factory=NotificationLog)
    assign: Assign = _alone
    owner_elsewhere: Callable[[str, str], str | None] = lambda notifier, subject: None
    ended: dict[Key, float] = field(default_factory=dict)
    confirm: Confirm = _certain
    # Keys whose pending messages another probe sends; cleared at each flush.
    withdrawn: set[Key] = field(default_factory=set)

    @property
    def views(self) -> Mapping[Key, NotificationLogEntry]:
        """The log's entries."""
        return self.log.views

    def settle(
        self, incidents: Iterable[AlertGroup], now: float, setting: MessageContext
    ) -> list[Delivery]:
        """What is due to be sent, of every incident that is or was open."""
        known = {incident.subject: incident for incident in incidents}
        for _, subject in list(self.views):
            known.setdefault(subject, AlertGroup(subject))
        self.ended = {key: at for key, at in self.ended.items() if now - at < ENDED_SECONDS}
        deliveries = []
        for incident in known.values():
            for route in self.routes.notifiers:
                message = self._message(route, incident, now, setting)
                if message is not None:
                    deliveries.append(Delivery(route.name, message, due=now))
        return deliveries + self.log.due_resolves(self._intervals, now)

    def next_time(self, incidents: Iterable[AlertGroup], now: float) -> float | None:
        """When ``settle`` will have something to send without a new event."""
        times = [self.log.next_resolve(self._intervals)]
        for incident in incidents:
            for route in self.routes.notifiers:
                view = self.views.get((route.name, incident.subject))
                if routed := self._routed(route, incident, view):
                    times += next_times(self.routes.timed(route, routed), view, routed)
        return min((time for time in times if time is not None and time > now), default=None)

    def restore(self, documents: Mapping[str, str], waiting: Iterable[Key] = ()) -> None:
        """Take up what ``documents`` gave before the restart; ``waiting`` are notifier and
        incident of what is on its way. What a receiver was sent that is not configured now stays
        stored for when it is."""
        self.log.restore(documents, {each.name for each in self.routes.notifiers}, waiting)

    @property
    def _intervals(self) -> dict[str, float]:
        return {route.name: refused_interval(route) for route in self.routes.notifiers}

    def _routed(
        self, route: Route, incident: AlertGroup, view: NotificationLogEntry | None
    ) -> tuple[Alert, ...]:
        """The alerts of an incident that a notifier is sent. One that has to be repeated to
        stay open at the receiver goes on while it is suppressed."""
        alerts = incident.firing
        if route.resends and view is not None:
            known = set(view.members)
            alerts += tuple(each for each in incident.suppressed if name_of(each) in known)
        return self.routes.of(alerts, route.name)

    def _message(
        self, route: Route, incident: AlertGroup, now: float, setting: MessageContext
    ) -> Message | None:
        """The message that is due to one notifier; brings its log entry up to date."""
        key = (route.name, incident.subject)
        view = self.views.get(key)
        routed = self._routed(route, incident, view)
        if not routed:
            return self._end(route, incident, now, setting)
        posted = view is not None and view.posted
        view, repeats = self._by_role(route, incident, view)
        shown, route = self._confirmed(routed, view), self.routes.timed(route, routed)
        # What fires and is not confirmed yet may be any moment.
        expected = now if len(shown) < len(routed) else incident.next_fires
        occasion = occasion_for(route, view, shown, now, expected)
        if repeats and shown:
            occasion = occasion or MessageType.CHANGED
        if occasion is None and view is None and shown:
            self._stand_by(route, incident, shown, now)
        if occasion is None or not self._is_still_true(route, view, shown, occasion):
            return None
        assignment = self._assignment(route, incident, view, over=False)
        if assignment.role is Role.WAIT:
            return None
        entry = _entry(view, shown, now, assignment.owner)
        if assignment.role is Role.STANDBY:
            self.log.keep(key, replace(entry, accepted=True, posted=posted))
            return None
        self.log.keep(key, replace(entry, posted=True))
        return firing_message(incident, shown, occasion, view, now, setting)

    def _stand_by(
        self, route: Route, incident: AlertGroup, shown: Sequence[Alert], now: float
    ) -> None:
        """Remember at once who has notified of what waits for its group here: that probe may be
        gone by the time at which it is due."""
        if not route.deduplicates and (owner := self.owner_elsewhere(route.name, incident.subject)):
            entry = replace(_entry(None, shown, now, owner), accepted=True)
            self.log.keep((route.name, incident.subject), entry)

    def _by_role(
        self, route: Route, incident: AlertGroup, view: NotificationLogEntry | None
    ) -> tuple[NotificationLogEntry | None, bool]:
        """The log entry by what other probes say (None: they have closed what still fires),
        and whether the receiver is to be notified of the same again."""
        if view is None or self.assign is _alone:
            return view, False
        key = (route.name, incident.subject)
        assignment = self._assignment(route, incident, view, over=False)
        if assignment.role is Role.REOPEN:
            return None, False
        if assignment.role is Role.STANDBY and view.owner == THIS_PROBE:
            self.withdrawn.add(key)
            view = replace(view, owner=assignment.owner, accepted=True)
            self.log.keep(key, view)
        return view, assignment.role is Role.REPEAT

    def _confirmed(
        self, routed: Sequence[Alert], view: NotificationLogEntry | None
    ) -> tuple[Alert, ...]:
        """What the receiver knows already, and what is certain now."""
        known = set(view.members) if view else ()
        return tuple(each for each in routed if name_of(each) in known or self.confirm(each))

    def _is_still_true(
        self,
        route: Route,
        view: NotificationLogEntry | None,
        shown: Sequence[Alert],
        occasion: MessageType,
    ) -> bool:
        """Nothing is sent of what has recovered, or may have."""
        if view is None or route.resends:
            return True
        if occasion is MessageType.CHANGED and highest_severity(shown) is Severity.CRITICAL:
            critical = [each for each in shown if each.severity is Severity.CRITICAL]
            return any(self.confirm(each) for each in critical)
        return any(self.confirm(each) for each in shown)

    def _end(
        self, route: Route, incident: AlertGroup, now: float, setting: MessageContext
    ) -> Message | None:
        """The message that an incident is resolved, to a notifier that was sent it."""
        key = (route.name, incident.subject)
        view = self.views.get(key)
        if view is None or incident.held or self._goes_on(route, incident, view):
            return None
        assignment = self._assignment(route, incident, view, over=True)
        if assignment.role is Role.STANDBY and assignment.owner != view.owner:
            self.log.keep(key, replace(view, owner=assignment.owner))
        if assignment.role in (Role.STANDBY, Role.FORGET):
            self.withdrawn.add(key)
        if assignment.role in (Role.STANDBY, Role.WAIT):
            return None
        self.log.keep(key, None)
        quiet = assignment.role is Role.FORGET
        if (quiet and not view.posted) or (view.refused and not view.accepted):
            # There is nothing to resolve where nothing was ever accepted.
            return None
        if not quiet:
            self.ended[key] = now
        ended = tuple(each for each in incident.over if self._is_for(route, each, view))
        return replace(resolved_message(incident, ended, view, now, setting), quiet=quiet)

    def _goes_on(self, route: Route, incident: AlertGroup, view: NotificationLogEntry) -> bool:
        """Whether an alert that a receiver was sent still fires, and is only suppressed. One that
        it never heard of holds no incident open."""
        suppressed = [each for each in incident.suppressed if self.routes.matches(each, route.name)]
        sent = {*view.story, *view.members}
        return any(name_of(each) in sent for each in suppressed)

    def _is_for(self, route: Route, alert: Alert, view: NotificationLogEntry) -> bool:
        """Whether a resolved alert is part of what a receiver was sent, or would have been."""
        return name_of(alert) in view.story or self.routes.matches(alert, route.name)

    def _assignment(
        self, route: Route, incident: AlertGroup, view: NotificationLogEntry | None, *, over: bool
    ) -> Assignment:
        """A service that deduplicates by key is sent the incident by every probe."""
        if not route.deduplicates:
            return self.assign(route.name, incident.subject, view, over)
        if view is not None and not over:
            assignment = self.assign(route.name, incident.subject, view, over)
            if assignment.role is Role.REOPEN:
                return assignment
        return Assignment(Role.SEND)


def _entry(
    view: NotificationLogEntry | None, shown: Sequence[Alert], now: float, owner: str
) -> NotificationLogEntry:
    names = tuple(sorted(name_of(alert) for alert in shown))
    since = min(alert.since for alert in shown)
    severity = highest_severity(shown)
    critical = view.critical_since if view else None
    if critical is None and severity is Severity.CRITICAL:
        critical = now
    return NotificationLogEntry(
        severity=severity,
        members=names,
        since=min(since, view.since) if view else since,
        sent_at=now,
        opened=view.opened if view else now,
        owner=owner,
        story=tuple(dict.fromkeys((*(view.story or view.members if view else ()), *names))),
        wrong=wrong_of(shown),
        accepted=view.accepted if view else False,
        critical_since=critical,
    )


IsSuppressed = Callable[[Alert], bool]


def alert_groups(
    alerts: Iterable[Alert],
    over: Iterable[Alert],
    subject_of: Callable[[Alert], str],
    suppressed: IsSuppressed,
) -> list[AlertGroup]:
    """Alerts by incident; ``suppressed`` says which of them are suppressed now."""
    found: dict[str, tuple[list[Alert], list[Alert], list[Alert]]] = {}
    for alert in alerts:
        lists = found.setdefault(subject_of(alert), ([], [], []))
        lists[1 if suppressed(alert) else 0].append(alert)
    for alert in over:
        found.setdefault(subject_of(alert), ([], [], []))[2].append(alert)
    return [
        AlertGroup(subject, tuple(firing), tuple(quiet), tuple(ended))
        for subject, (firing, quiet, ended) in found.items()
    ]
