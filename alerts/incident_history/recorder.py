"""Follows incidents from their first alert to their end, and hands on what has changed of them.

It is given the alert groups after each flush, and what becomes of messages. What it hands on is
stored by somebody else; nothing here waits or fails because of that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from alerts.incident_history.records import (
    begun,
    continued,
    incident_id,
    notification_of,
    over,
)
from alerts.model import Alert, Delivery, Silence
from alerts.notification.message import AlertGroup
from alerts.notification.notification_log import Key
from alerts.silence.maintenance_window import Window
from probe.history.incidents.model import Incident, Notification, NotificationStatus

# Incidents whose last messages may still be on their way.
MAX_PAST = 500
# Of one incident: each member of a cluster has begun it under an id of its own.
MAX_ALIASES = 100

SuppressedBy = Callable[[Alert], Window | Silence | None]
# By receiver and key, then by occasion and time.
Pending = dict[Key, dict[tuple[str, float], Notification]]


class IncidentSink(Protocol):
    """Where incidents are kept; both return at once."""

    def keep(self, incident: Incident) -> None:
        """Store an incident, in the place of what was known of it."""

    def rename(self, old: str, incident: Incident) -> None:
        """Store an incident under another id than before."""

    def keep_notification(self, incident: str, found: Notification) -> None:
        """Store what became of a message."""


class IncidentRecorder:
    """Times are seconds since 1970. An incident is ``adopted`` where its alerts were taken over
    from a receiver and it is not stored."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._adopted: set[str] = set()
        # The id of an open incident of a key at other probes; empty: there is none.
        self.id_elsewhere: Callable[[str], str] = lambda key: ""
        # Of incidents that are over here: another probe may go on with one, and begins none.
        self._past: dict[str, None] = {}
        self._sink: IncidentSink | None = None
        self._open: dict[str, Incident] = {}
        # By key: the incident that messages belong to, the newest last.
        self._ids: dict[str, str] = {}
        # Ids that messages name already, of incidents that open with this flush.
        self._reserved: dict[str, str] = {}
        self._pending: Pending = {}

    @property
    def open_ids(self) -> Mapping[str, str]:
        """The ids of incidents that last, by key, for other probes."""
        return {each.key: each.id for each in self.open}

    @property
    def open(self) -> Sequence[Incident]:
        """Incidents that last."""
        return [each for each in self._open.values() if each.is_open]

    def connect(
        self, sink: IncidentSink, known: Iterable[Incident], newest: Mapping[str, str]
    ) -> None:
        """Go on with incidents that last by what is stored; ``newest`` is the id of the newest
        of each key. What was handed on before is stored now."""
        self._sink = sink
        ids = dict(newest)
        for incident in known:
            self._open.setdefault(incident.key, incident)
            ids[incident.key] = incident.id
            for each in incident.notifications:
                if each.status is NotificationStatus.PENDING:
                    self._note(incident.key, each)
        self._ids = {**ids, **self._ids}

    def adopt(self, key: str) -> None:
        """Alerts of an incident were taken over from what a receiver was sent."""
        self._adopted.add(key)

    def id_of(self, key: str, now: float, *, opens: bool) -> str:
        """The id of the incident of a key, for messages; ``opens``: one begins now if none is
        open, else the last one is meant. Empty if there was none."""
        known = self._open.get(key)
        if known is not None:
            return known.id
        if not opens:
            return self._ids.get(key, "")
        return self._reserved.setdefault(key, self._agreed(key, incident_id(key, now)))

    def update(self, groups: Iterable[AlertGroup], now: float, suppressed_by: SuppressedBy) -> None:
        """These are the groups; what is not among them is over."""
        found = {group.subject: group for group in groups}
        for key, group in found.items():
            known, fires = self._open.get(key), bool(group.firing or group.suppressed)
            if known is None and fires:
                begun_now = self._begin(group, now)
                self._put(continued(begun_now, group, _names(group, suppressed_by)), None)
            elif known is not None and fires:
                known = self._renamed(known)
                self._put(continued(known, group, _names(group, suppressed_by)), known)
        for key, known in list(self._open.items()):
            group_now = found.get(key)
            if group_now is not None and (group_now.firing or group_now.suppressed):
                continue
            self._put(over(known, group_now, now), known)
            self._past[known.id] = None
            if group_now is None:
                # Messages of its end may still be on their way.
                del self._open[key]
        self._reserved.clear()
        for old in [*self._past][:-MAX_PAST]:
            del self._past[old]

    def queued(self, deliveries: Iterable[Delivery]) -> None:
        """Messages are to be sent."""
        for each in deliveries:
            self._settle(each, NotificationStatus.PENDING, None)

    def has_lost(self, waiting: Iterable[Delivery]) -> bool:
        """Whether a message that was to be sent waits no more, and nothing has said why."""
        return bool(self._pending) and bool(self._lost(waiting))

    def follow(self, waiting: Sequence[Delivery], refused: Iterable[Delivery], now: float) -> None:
        """These messages wait, and these were refused for good. Others that were to be sent
        have become part of a later one."""
        for each in waiting:
            if each.error:
                self._settle(each, NotificationStatus.PENDING, None)
        lost = self._lost(waiting)
        for each in refused:
            place = (each.message.occasion.value, each.message.at)
            if place in lost.get(_key(each), {}):
                self._settle(each, NotificationStatus.REFUSED, now)
        for key, places in lost.items():
            for found in places.values():
                if found in self._pending.get(key, {}).values():
                    self._note(key[1], replace(found, status=NotificationStatus.DROPPED))

    def delivered(self, delivery: Delivery, now: float) -> None:
        """A receiver has accepted a message; earlier ones that wait have become part of it."""
        self._settle(delivery, NotificationStatus.DELIVERED, now)
        self._drop(_key(delivery), until=delivery.message.at)

    def dropped(self, key: Key) -> None:
        """What waits for a notifier under a key is not sent any more."""
        self._drop(key, until=float("inf"))

    def withdrawn(self, found: Mapping[Key, Delivery | None]) -> None:
        """What waits under these is another probe's to send, up to a message if there is one."""
        for key, last in found.items():
            self._drop(key, until=last.message.at if last else float("inf"))

    def _lost(self, waiting: Iterable[Delivery]) -> Pending:
        """What is pending here and waits nowhere."""
        there = {(_key(each), each.message.occasion.value, each.message.at) for each in waiting}
        lost: Pending = {}
        for key, places in self._pending.items():
            for place, found in places.items():
                if (key, *place) not in there:
                    lost.setdefault(key, {})[place] = found
        return lost

    def _begin(self, group: AlertGroup, now: float) -> Incident:
        adopted = group.subject in self._adopted
        self._adopted.discard(group.subject)
        name = self.id_of(group.subject, now, opens=True)
        return begun(name, group, self._region, now, adopted=adopted)

    def _agreed(self, key: str, own: str) -> str:
        """The id that all probes use: the least, which is the oldest."""
        other = self.id_elsewhere(key)
        return other if other and other not in self._past and other < own else own

    def _renamed(self, known: Incident) -> Incident:
        """An incident that lasts, under the id that all probes use."""
        name = self._agreed(known.key, known.id)
        if name == known.id or len(known.aliases) >= MAX_ALIASES:
            return known
        found = replace(known, id=name, aliases=(*known.aliases, known.id))
        self._open[known.key] = found
        self._remember(known.key, name)
        if self._sink is not None:
            self._sink.rename(known.id, found)
        return found

    def _put(self, incident: Incident, before: Incident | None) -> None:
        self._open[incident.key] = incident
        self._remember(incident.key, incident.id)
        if incident != before and self._sink is not None:
            self._sink.keep(incident)

    def _remember(self, key: str, name: str) -> None:
        self._ids.pop(key, None)
        self._ids[key] = name
        for old in [each for each in self._ids if each not in self._open][:-MAX_PAST]:
            del self._ids[old]

    def _settle(self, delivery: Delivery, status: NotificationStatus, now: float | None) -> None:
        if delivery.message.is_of_incident:
            self._note(delivery.message.key, notification_of(delivery, status, now))

    def _note(self, key: str, found: Notification) -> None:
        name = self._ids.get(key)
        if name is None:
            return
        pending = self._pending.setdefault((found.receiver, key), {})
        place = (found.occasion, found.at)
        is_changed = pending.get(place) != found
        if found.status is NotificationStatus.PENDING:
            pending[place] = found
        else:
            pending.pop(place, None)
        if not pending:
            del self._pending[found.receiver, key]
        if is_changed and self._sink is not None:
            self._sink.keep_notification(name, found)

    def _drop(self, key: Key, *, until: float) -> None:
        for found in list(self._pending.get(key, {}).values()):
            if found.at <= until:
                dropped = replace(found, status=NotificationStatus.DROPPED)
                self._note(key[1], dropped)


def _names(group: AlertGroup, suppressed_by: SuppressedBy) -> Iterable[str]:
    """What suppresses alerts of a group now."""
    reasons = [suppressed_by(alert) for alert in group.suppressed]
    return [reason.name for reason in reasons if reason is not None]


def _key(delivery: Delivery) -> Key:
    return delivery.notifier, delivery.message.key
