"""What each receiver was sent of each incident, and whether it was accepted; pure.

An entry exists from an incident's first message to its last. A message counts as delivered
when the receiver has accepted it, not when it is queued: what was refused is sent again, and a
resolve that was refused is sent again until it is accepted.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Delivery, Message, MessageType, Severity
from alerts.notification.route import Routes
from alerts.outbox.codec import dump_message, load_message
from alerts.role import THIS_PROBE
from probe.storage.json_codec import CodecError, JsonCodec

# A resolve that is not accepted for so long is dropped.
RESOLVE_SECONDS = 86400.0

# A notifier, and the key of an incident or of an alert group.
Key = tuple[str, str]


class NotificationLogEntry(Struct, frozen=True):
    """What one notifier was sent of one incident, and when; times in seconds since 1970.

    ``members`` fire as far as the receiver knows, ``story`` has every alert that it was sent
    since the incident began; ``wrong`` is what was wrong with each, as it was sent. ``owner``
    is the probe that sends, ``THIS_PROBE`` for this one. ``accepted``: the receiver has accepted a
    message of this incident, or may have; ``refused``: it refused the last one for good.
    ``critical_since`` is when it was first sent as critical, ``sent_at`` when the last message
    was sent (``told`` where it is stored). ``posted``: this probe has sent one itself.
    """

    severity: Severity
    members: tuple[str, ...]
    since: float
    sent_at: float = msgspec.field(name="told")
    opened: float
    owner: str = THIS_PROBE
    story: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    accepted: bool = True
    refused: bool = False
    critical_since: float | None = None
    posted: bool = False

    @property
    def wrong_by_name(self) -> dict[str, str]:
        """``wrong``, by the name of each alert."""
        return dict(each.split("\n", 1) for each in self.wrong if "\n" in each)


_ENTRY = JsonCodec(NotificationLogEntry)


@dataclass(slots=True)
class NotificationLog:
    """The entries of all notifiers, by notifier and incident, and what has changed of them.
    ``accepted`` is when each notifier last accepted a message."""

    views: dict[Key, NotificationLogEntry] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    _resolves: dict[Key, Message] = field(default_factory=dict)
    _tried: dict[Key, float] = field(default_factory=dict)
    _dirty: set[str] = field(default_factory=set)

    def keep(self, key: Key, view: NotificationLogEntry | None) -> None:
        """Change an entry; None drops it. Where the resolve of the incident before it was refused,
        that one is still open at the receiver."""
        if view is None:
            self.views.pop(key, None)
        elif self._drop_resolve(key):
            self.views[key] = replace(view, accepted=True)
        else:
            self.views[key] = view
        self._dirty.add(_name("view", key))

    def move(self, key: Key) -> None:
        """A receiver has another address, where nothing is known of what was sent before."""
        view = self.views[key]
        self.keep(key, replace(view, accepted=False, refused=True, sent_at=float("-inf")))

    def rename(self, names: Mapping[str, str]) -> None:
        """Alerts have other names from now on; that is no news."""
        if not names:
            return
        for key, view in self.views.items():
            texts = (each.partition("\n") for each in view.wrong)
            self.views[key] = replace(
                view,
                members=tuple(sorted(names.get(each, each) for each in view.members)),
                story=tuple(names.get(each, each) for each in view.story),
                wrong=tuple(f"{names.get(name, name)}\n{text}" for name, _, text in texts),
            )
            self._dirty.add(_name("view", key))

    def delivered(self, delivery: Delivery, now: float) -> None:
        """A receiver has accepted a message."""
        self.accepted[delivery.notifier] = now
        key = (delivery.notifier, delivery.message.key)
        if delivery.message.occasion is MessageType.RESOLVED:
            self._drop_resolve(key)
        elif (view := self.views.get(key)) is not None and not (view.accepted and not view.refused):
            self.keep(key, replace(view, accepted=True, refused=False))

    def refused(self, delivery: Delivery, now: float) -> None:
        """A receiver has refused a message for good. One that was attempted before may have
        been accepted all the same."""
        key, message = (delivery.notifier, delivery.message.key), delivery.message
        if not message.is_of_incident:
            return
        if message.occasion is MessageType.RESOLVED:
            if (view := self.views.get(key)) is not None:
                self.keep(key, replace(view, accepted=True))
            elif now - message.at < RESOLVE_SECONDS:
                self._resolves[key], self._tried[key] = message, now
                self._dirty.add(_name("resolve", key))
            return
        view = self.views.get(key)
        if view is not None:
            accepted = view.accepted or delivery.attempts > 1
            self.keep(key, replace(view, accepted=accepted, refused=True))

    def due_resolves(self, intervals: Mapping[str, float], now: float) -> list[Delivery]:
        """Resolves to be sent again; ``intervals`` gives each notifier's group interval. That of a
        receiver that is not configured waits until it is."""
        due = []
        for key, message in list(self._resolves.items()):
            interval, tried = intervals.get(key[0]), key in self._tried
            # Once after a start in any case: the time since then may be a step of the clock.
            if interval is None:
                continue
            if tried and now - message.at >= RESOLVE_SECONDS:
                self._drop_resolve(key)
            elif now - self._tried.get(key, float("-inf")) >= interval:
                self._tried[key] = now
                due.append(Delivery(key[0], message, due=now))
        return due

    def is_open(self, incident: str) -> bool:
        """Whether any receiver was sent an incident that is not resolved for it."""
        return any(key == incident for _, key in self.views)

    def is_open_anywhere(self, group: str) -> bool:
        """The same of a group among probes: what one region alone sees has a key of its own,
        which begins with the group."""
        return any(key == group or key.startswith(f"{group} (") for _, key in self.views)

    def critical_since(self, incident: str) -> float | None:
        """Since when a receiver knows an incident as critical; None if none does."""
        views = [view for (_, key), view in self.views.items() if key == incident]
        times = [view.critical_since for view in views if view.critical_since is not None]
        return min(times, default=None)

    @property
    def refused_resolves(self) -> frozenset[Key]:
        """The incidents whose resolve is still to be accepted."""
        return frozenset(self._resolves)

    def next_resolve(self, intervals: Mapping[str, float]) -> float | None:
        """When a resolve is due again."""
        times = [
            self._tried.get(key, 0.0) + intervals[key[0]]
            for key in self._resolves
            if key[0] in intervals
        ]
        return min(times, default=None)

    def documents(self) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        if not self._dirty:
            return {}
        views = {_name("view", key): _ENTRY.dump(view) for key, view in self.views.items()}
        resolves = {_name("resolve", key): dump_message(m) for key, m in self._resolves.items()}
        known: dict[str, str] = {**views, **resolves}
        changed = {name: known.get(name) for name in self._dirty}
        self._dirty.clear()
        return changed

    def restore(
        self,
        documents: Mapping[str, str],
        notifiers: Collection[str],
        waiting: Iterable[Key] = (),
    ) -> None:
        """Take up what ``documents`` gave before the restart, of these ``notifiers``; what can't be
        read is dropped, and what is known stays.

        What was refused is sent at once, since the restart may have repaired the cause.
        """
        on_their_way = set(waiting)
        for name, text in documents.items():
            kind, _, place = name.partition(":")
            if kind not in ("view", "resolve"):
                continue
            try:
                notifier, subject = json.loads(place)
                key = (str(notifier), str(subject))
                if key[0] not in notifiers:
                    continue
                if kind == "resolve":
                    self._resolves.setdefault(key, load_message(text))
                else:
                    self.views.setdefault(key, _restored(_ENTRY.load(text), key in on_their_way))
            except (CodecError, KeyError, TypeError, ValueError):
                continue

    def _drop_resolve(self, key: Key) -> bool:
        """Whether there was one to be sent again."""
        if self._resolves.pop(key, None) is None:
            return False
        self._tried.pop(key, None)
        self._dirty.add(_name("resolve", key))
        return True


class Notified:
    """Whether people were notified of an alert, in words; of thousands as quickly as of few."""

    def __init__(self, log: NotificationLog, routes: Routes) -> None:
        self._routes = routes
        self._entries: dict[str, dict[str, NotificationLogEntry]] = {}
        for (notifier, _), entry in log.views.items():
            for name in entry.members:
                self._entries.setdefault(name, {})[notifier] = entry

    def __call__(self, alert: Alert) -> str:
        """As the log is when this was made."""
        entries = self._entries.get(str(alert.identity), {})
        if refused := sorted(each for each, entry in entries.items() if entry.refused):
            return f"refused by {', '.join(refused)}"
        if entries:
            accepted = any(entry.accepted for entry in entries.values())
            return "notified" if accepted else "being sent"
        names = (route.name for route in self._routes.notifiers)
        routed = any(self._routes.matches(alert, name) for name in names)
        return "not notified yet" if routed else "not routed to any notifier"


def _restored(view: NotificationLogEntry, waits: bool) -> NotificationLogEntry:
    if view.refused:
        return replace(view, sent_at=float("-inf"))
    # Neither on its way nor refused: the process ended just after it was accepted.
    return view if view.accepted or waits else replace(view, accepted=True)


def _name(kind: str, key: Key) -> str:
    return f"{kind}:{json.dumps(key)}"
