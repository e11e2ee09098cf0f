"""Who is told what, and when: alerts in, messages out.

Alerts of one subject are one incident, told as one. Each notifier has a view of its own of
every incident: what of it concerns it, whether it was told, and how grave it was then. So a
pager hears of an incident when it becomes critical and that it is over when it eases to a
warning, while a chat hears of both. Pure: the views are all there is, and they can be kept.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from alerts.cluster.leader import MINE, Assignment, Role
from alerts.model import Alert, Delivery, Message, MessageType, Severity
from alerts.notification.route import Route, Routes
from alerts.runbooks import first_steps

# More alerts of an incident that is told already are gathered for so long.
GATHER_SECONDS = 60.0
REMIND_SECONDS = 4 * 3600.0
# For so long it is known that the end of an incident was told.
ENDED_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """All alerts of one subject: ``burning`` ones to be told of, ``muted`` ones that burn
    and are not to be told of now, ``over`` those that ended lately. ``held``: it is not over
    for another probe; ``elsewhere`` says as what its alerts are told now, if not as this."""

    subject: str
    burning: tuple[Alert, ...] = ()
    muted: tuple[Alert, ...] = ()
    over: tuple[Alert, ...] = ()
    affected: tuple[str, ...] = ()
    held: bool = False
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class NotificationLogEntry:
    """What one notifier was told of one incident, and when; times in seconds since 1970.

    ``owner`` is the probe that told it, ``MINE`` for this one.
    """

    severity: Severity
    members: tuple[str, ...]
    since: float
    told: float
    opened: float
    owner: str = MINE


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What every message says of the probe itself, and what changed lately.

    ``public_url`` is where people reach the probe's pages, empty if they don't.
    """

    region: str
    public_url: str = ""
    grafana_url: str = ""
    changes: tuple[str, ...] = ()

    def links(self, runbook: str = "") -> tuple[tuple[str, str], ...]:
        """Where a message leads to, as (name, address)."""
        found = [("status page", f"{self.public_url}/")] if self.public_url else []
        if self.public_url and runbook:
            found.append(("runbook", f"{self.public_url}/runbooks/{runbook}"))
        if self.grafana_url:
            found.append(("dashboard", self.grafana_url))
        return tuple(found)


# Of a notifier, an incident and what it was told of it, over or not: this probe's part.
Cast = Callable[[str, str, NotificationLogEntry | None, bool], Assignment]


def _alone(name: str, subject: str, view: NotificationLogEntry | None, over: bool) -> Assignment:
    return Assignment(Role.TELL)


@dataclass(slots=True)
class GroupStore:
    """The views of all notifiers; ``settle`` brings them up to date.

    ``cast`` says whether this probe is the one of several that tells people; ``ended`` is when
    it last told that an incident is over, by notifier and incident.
    """

    routes: Routes
    views: dict[tuple[str, str], NotificationLogEntry] = field(default_factory=dict)
    cast: Cast = _alone
    ended: dict[tuple[str, str], float] = field(default_factory=dict)
    # Whose messages that wait are another probe's to send by now, since the last call.
    withdrawn: set[tuple[str, str]] = field(default_factory=set)
    _dirty: set[tuple[str, str]] = field(default_factory=set)
    _kept_ends: set[str] = field(default_factory=set)

    def settle(
        self, incidents: Iterable[AlertGroup], now: float, setting: MessageContext
    ) -> list[Delivery]:
        """What has to be told by now, of every incident that there is or was."""
        known = {incident.subject: incident for incident in incidents}
        for _, subject in list(self.views):
            known.setdefault(subject, AlertGroup(subject))
        self.ended = {key: at for key, at in self.ended.items() if now - at < ENDED_SECONDS}
        deliveries = []
        for incident in known.values():
            for route in self.routes.notifiers:
                message = self._tell(route, incident, now, setting)
                if message is not None:
                    deliveries.append(Delivery(route.name, message, due=now))
        return deliveries

    def next_time(self, incidents: Iterable[AlertGroup], now: float) -> float | None:
        """When ``settle`` will have something to say though nothing happens."""
        by_subject = {incident.subject: incident for incident in incidents}
        times = []
        for (name, subject), view in self.views.items():
            route, incident = self.routes.named(name), by_subject.get(subject)
            if route is None or incident is None:
                continue
            mine = _members(self._mine(route, incident.burning))
            wait = GATHER_SECONDS if mine != view.members else route.remind_seconds
            times.append(view.told + wait)
        return min((time for time in times if time > now), default=None)

    def documents(self) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        changed: dict[str, str | None] = {}
        for key in self._dirty:
            view = self.views.get(key)
            changed[f"view:{json.dumps(key)}"] = json.dumps(asdict(view)) if view else None
        self._dirty.clear()
        if self.cast is not _alone:
            ended = {f"ended:{json.dumps(key)}": json.dumps(at) for key, at in self.ended.items()}
            changed |= {name: at for name, at in ended.items() if name not in self._kept_ends}
            changed |= dict.fromkeys(self._kept_ends - ended.keys())
            self._kept_ends = set(ended)
        return changed

    def restore(self, documents: Mapping[str, str]) -> None:
        """Take up what ``documents`` gave before the restart; passes over what is no view."""
        for name, text in documents.items():
            kind, _, key = name.partition(":")
            if kind not in ("view", "ended"):
                continue
            try:
                notifier, subject = json.loads(key)
                if kind == "ended":
                    self.ended[notifier, subject] = float(text)
                    self._kept_ends.add(name)
                    continue
                known = json.loads(text)
                known["severity"] = Severity(known["severity"])
                known["members"] = tuple(known["members"])
                self.views[notifier, subject] = NotificationLogEntry(**known)
            except (KeyError, TypeError, ValueError):
                continue

    def _mine(self, route: Route, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        return tuple(alert for alert in alerts if self.routes.matches(alert, route.name))

    def _tell(
        self, route: Route, incident: AlertGroup, now: float, setting: MessageContext
    ) -> Message | None:
        """The message that is due to one notifier; brings its view up to date."""
        key = (route.name, incident.subject)
        view, mine = self.views.get(key), self._mine(route, incident.burning)
        if not mine:
            return self._end(route, incident, now, setting)
        casting = self._casting(route, incident, view, over=False)
        if casting.part is Role.REOPEN:
            # Another probe has resolved it at the receiver, and a quorum still sees it.
            view = None
            casting = self._casting(route, incident, view, over=False)
        occasion = _occasion(view, mine, now, route.remind_seconds)
        if casting.part is Role.REPEAT:
            occasion = occasion or MessageType.CHANGED
        if view is not None and casting.part is Role.FOLLOW and view.owner == MINE:
            self.withdrawn.add(key)
            self._keep(key, replace(view, owner=casting.owner))
        if occasion is None or casting.part is Role.WAIT:
            return None
        since = min(alert.since for alert in mine)
        opened = view.opened if view else now
        seen = NotificationLogEntry(
            _gravest(mine), _members(mine), since, now, opened, casting.owner
        )
        self._keep(key, seen)
        if casting.part is Role.FOLLOW:
            return None
        message = _burning(incident, mine, occasion, now, setting)
        if view is None:
            return message
        # What has ended since the incident began is part of its story.
        over = tuple(alert for alert in incident.over if str(alert.identity) in view.members)
        return replace(message, since=min(since, view.since), resolved=over)

    def _end(
        self, route: Route, incident: AlertGroup, now: float, setting: MessageContext
    ) -> Message | None:
        """The message that an incident is over, to a notifier that was told of it."""
        key = (route.name, incident.subject)
        view = self.views.get(key)
        if view is None or incident.held or self._mine(route, incident.muted):
            return None
        casting = self._casting(route, incident, view, over=True)
        if casting.part is Role.FOLLOW and casting.owner != view.owner:
            self._keep(key, replace(view, owner=casting.owner))
        if casting.part in (Role.FOLLOW, Role.FORGET):
            self.withdrawn.add(key)
        if casting.part in (Role.FOLLOW, Role.WAIT):
            return None
        self._keep(key, None)
        if casting.part is Role.FORGET:
            return None
        self.ended[key] = now
        return _over(incident, view, now, setting)

    def _casting(
        self, route: Route, incident: AlertGroup, view: NotificationLogEntry | None, *, over: bool
    ) -> Assignment:
        """A service that recognises a group by its key is notified by every probe."""
        if not route.deduplicates:
            return self.cast(route.name, incident.subject, view, over)
        if view is not None and not over:
            casting = self.cast(route.name, incident.subject, view, over)
            if casting.part is Role.REOPEN:
                return casting
        return Assignment(Role.TELL)

    def _keep(self, key: tuple[str, str], view: NotificationLogEntry | None) -> None:
        if view is None:
            del self.views[key]
        else:
            self.views[key] = view
        self._dirty.add(key)


def _occasion(
    view: NotificationLogEntry | None, mine: Sequence[Alert], now: float, remind: float
) -> MessageType | None:
    if view is None:
        return MessageType.FIRING
    if view.severity is not _gravest(mine):
        return MessageType.CHANGED
    if view.members != _members(mine):
        return MessageType.CHANGED if now - view.told >= GATHER_SECONDS else None
    return MessageType.REMINDER if now - view.told >= remind else None


def _burning(
    incident: AlertGroup,
    mine: tuple[Alert, ...],
    occasion: MessageType,
    now: float,
    setting: MessageContext,
) -> Message:
    ordered = sorted(mine, key=lambda alert: (alert.severity != Severity.CRITICAL, alert.since))
    first = ordered[0]
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    return Message(
        key=incident.subject,
        occasion=occasion,
        severity=first.severity,
        title=f"{first.identity.check}: {first.summary}{more}",
        at=now,
        since=min(alert.since for alert in mine),
        region=setting.region,
        firing=tuple(ordered),
        changes=setting.changes,
        affected=incident.affected,
        links=setting.links(first.runbook),
        text="\n".join(first_steps(first.runbook)),
    )


def _over(
    incident: AlertGroup, view: NotificationLogEntry, now: float, setting: MessageContext
) -> Message:
    ended = tuple(alert for alert in incident.over if str(alert.identity) in view.members)
    names = sorted({member.partition("/")[0] for member in view.members})
    what = ", ".join(names)
    verb = "is" if len(names) == 1 else "are"
    # A notifier for whom it is over may not be the one for whom all is well.
    burns = bool(incident.burning)
    title = f"{what}: no longer {view.severity}" if burns else f"{what} {verb} well again"
    if incident.elsewhere and not burns:
        title = f"{what}: {incident.elsewhere}"
    return Message(
        key=incident.subject,
        occasion=MessageType.RESOLVED,
        severity=view.severity,
        title=title,
        at=now,
        since=view.since,
        region=setting.region,
        resolved=ended,
        links=setting.links(),
    )


def _gravest(alerts: Iterable[Alert]) -> Severity:
    critical = any(alert.severity is Severity.CRITICAL for alert in alerts)
    return Severity.CRITICAL if critical else Severity.WARNING


def _members(alerts: Iterable[Alert]) -> tuple[str, ...]:
    return tuple(sorted(str(alert.identity) for alert in alerts))
