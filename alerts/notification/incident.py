"""Which incident each firing alert belongs to: one cause is one incident; pure.

An alert joins an open incident when it began together with one of its alerts, or when another
check of the same group or service fails already: since a short time ago, or in an incident that
was not paged, so that a page is never hidden by an old incident. Otherwise it opens an
incident of its own, whose key is the alert's group where that is free.

A check that runs seldom is seen to fail long after it began to. A warning of one that may have
begun together with what was paged, by its last good run, joins that, if nothing else is nearer.

A page that is a service of its own is not part of an application: it joins what it began together
with only while that is not paged yet, or while several services fail.

Where several probes watch the same target, incidents are shared by key among them, so each
group is one incident there and nothing is joined (``cluster``).
"""

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from heapq import merge
from itertools import takewhile

from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.message import AlertGroup
from alerts.outbox.codec import dump_alert, load_alert
from alerts.state.confirmation import TOGETHER_SECONDS
from probe.core.thresholds import FAILING, NO_DATA
from probe.storage.json_codec import CodecError

# A failure of the same group or service so soon after another has the same cause.
RELATED_SECONDS = 900.0
# From so many services on, what fails together has one cause, whatever it is a part of.
MANY_SERVICES = 3
# An incident keeps at most so many resolved alerts; of more, the newest.
MAX_RESOLVED = 50
DOCUMENT = "incidents"

GroupOf = Callable[[Alert], str]
# Since when it fires, and its name and number: an order without ties.
_Entry = tuple[float, str, int, Alert]


class _Candidates:
    """Alerts that have an incident, which another one may join; ``group_of`` gives their groups.

    When thousands of checks fail at once, each of them is compared with few: those that began at
    the same time, and those of its own group and service, the oldest first.
    """

    def __init__(self, group_of: Callable[[Alert], str], alerts: Iterable[Alert]) -> None:
        self._group_of, self._count = group_of, 0
        self._all: list[_Entry] = []
        self._groups: dict[str, list[_Entry]] = {}
        self._services: dict[str, list[_Entry]] = {}
        for alert in alerts:
            self.add(alert)

    def add(self, alert: Alert) -> None:
        """One more has an incident."""
        self._count += 1
        entry = (alert.since, str(alert.identity), self._count, alert)
        insort(self._all, entry)
        insort(self._groups.setdefault(self._group_of(alert), []), entry)
        if alert.service:
            insort(self._services.setdefault(alert.service, []), entry)

    def oldest(
        self,
        alert: Alert,
        seconds: float,
        joins_together: Callable[[Alert], bool],
        joins_related: Callable[[Alert], bool],
    ) -> Alert | None:
        """Of those that began within so many ``seconds`` of an alert and that it joins for that,
        and of those of its group or service that it joins for that, the one that began first."""
        near = self._begun(alert.since - seconds, alert.since + seconds)
        together = (each for each in near if joins_together(each[3]))
        related = (each for each in self._related(alert) if joins_related(each[3]))
        found = [each for each in (next(together, None), next(related, None)) if each is not None]
        return min(found)[3] if found else None

    def newest_begun(
        self, start: float, until: float, joins: Callable[[Alert], bool]
    ) -> Alert | None:
        """Of those that began within these times and that are joined, the one that began last."""
        found = [each[3] for each in self._begun(start, until) if joins(each[3])]
        return found[-1] if found else None

    def _begun(self, start: float, until: float) -> Iterator[_Entry]:
        first = bisect_left(self._all, (start,))
        after = (self._all[place] for place in range(first, len(self._all)))
        return takewhile(lambda each: each[0] <= until, after)

    def _related(self, alert: Alert) -> Iterator[_Entry]:
        same_service = self._services.get(alert.service, ()) if alert.service else ()
        return merge(self._groups.get(self._group_of(alert), ()), same_service)


class OpenIncidents:
    """The incident of every firing alert, and what was resolved since each incident opened.

    ``group_of`` gives an alert's group; ``critical_since`` says since when a receiver knows
    an incident as critical, None if none does; ``earliest`` when what an alert is about may have
    begun, which was seen later.
    """

    def __init__(
        self,
        group_of: GroupOf,
        critical_since: Callable[[str], float | None],
        earliest: Callable[[Alert], float] = lambda alert: alert.since,
    ) -> None:
        self._group_of, self._critical_since = group_of, critical_since
        self._earliest = earliest
        self._keys: dict[Fingerprint, str] = {}
        self._resolved: dict[Fingerprint, Alert] = {}
        self._kept = ""
        self._kept_of: tuple[dict[Fingerprint, str], dict[Fingerprint, Alert]] = ({}, {})

    @property
    def resolved(self) -> list[Alert]:
        """Resolved alerts whose incident is open, the oldest first."""
        return list(self._resolved.values())

    def key_of(self, alert: Alert) -> str:
        """The incident of an alert that was assigned; the alert's group if it wasn't."""
        return self._keys.get(alert.identity) or self._group_of(alert)

    def add_resolved(self, alert: Alert) -> None:
        """An alert is resolved. Of one that was resolved before, the first start counts."""
        before = self._resolved.pop(alert.identity, None)
        if before is not None:
            alert = replace(alert, since=min(alert.since, before.since))
        self._resolved[alert.identity] = alert
        while len(self._resolved) > MAX_RESOLVED:
            del self._resolved[next(iter(self._resolved))]

    def assign(self, firing: Sequence[Alert]) -> None:
        """Find an incident for every firing alert that has none."""
        again = {alert.identity for alert in firing}
        # Until the end of an incident is sent, what its last alerts were about is not over.
        over = [each for each in self.resolved if each.identity in self._keys.keys() - again]
        new = [alert for alert in firing if alert.identity not in self._keys]
        if not new:
            return
        known = [each for each in firing if each.identity in self._keys]
        candidates = _Candidates(self._group_of, [*over, *known])
        taken = {self._keys[each.identity] for each in (*over, *known)}
        is_wide = len({alert.service for alert in firing}) >= MANY_SERVICES
        paged = cache(self._critical_since)
        # The most severe first, so that a new incident is named after what matters.
        for alert in sorted(new, key=lambda each: each.severity is not Severity.CRITICAL):
            oldest = self._oldest_of_same_cause(alert, candidates, paged, is_wide)
            key = self._own_key(alert, taken) if oldest is None else self._keys[oldest.identity]
            self._keys[alert.identity] = key
            taken.add(key)
            candidates.add(alert)

    def with_members(self, groups: Sequence[AlertGroup]) -> list[AlertGroup]:
        """Incidents with the checks that each was ever about, if so many were resolved that not
        all of them are kept."""
        if len(self._resolved) < MAX_RESOLVED:
            return list(groups)
        members: dict[str, dict[str, None]] = {}
        for identity, key in self._keys.items():
            members.setdefault(key, {})[identity.check] = None
        return [replace(each, members=tuple(members.get(each.subject, ()))) for each in groups]

    def adopt(self, alert: Alert, key: str) -> None:
        """An alert belongs to an incident by the journal or a receiver, not by the stored state."""
        self._keys[alert.identity] = key

    def rename(self, names: Mapping[Fingerprint, Fingerprint]) -> None:
        """Alerts have other identities from now on."""
        self._keys = {names.get(each, each): key for each, key in self._keys.items()}

    def close(self, is_open: Callable[[str], bool], firing: Iterable[Alert]) -> None:
        """Forget what belongs to incidents that are closed."""
        known = {alert.identity for alert in firing}
        self._keys = {
            identity: key
            for identity, key in self._keys.items()
            if identity in known or is_open(key)
        }
        self._resolved = {
            identity: alert
            for identity, alert in self._resolved.items()
            if identity in self._keys or is_open(self._group_of(alert))
        }

    def documents(self) -> dict[str, str | None]:
        """What has changed since the last call, to be kept; None: to be dropped."""
        # Thousands of alerts are the same from one call to the next.
        if self._kept_of == (self._keys, self._resolved):
            return {}
        self._kept_of, text = (dict(self._keys), dict(self._resolved)), ""
        if self._keys or self._resolved:
            keys = [[each.check, each.rule, each.labels, key] for each, key in self._keys.items()]
            ended = [dump_alert(alert) for alert in self._resolved.values()]
            text = json.dumps({"keys": keys, "resolved": ended}, separators=(",", ":"))
        if text == self._kept:
            return {}
        self._kept = text
        return {DOCUMENT: text or None}

    def restore(self, documents: Mapping[str, str]) -> None:
        """Take up what ``documents`` gave before the restart; what can't be read is dropped."""
        try:
            known = json.loads(documents[DOCUMENT])
            for check, rule, labels, key in known["keys"]:
                pairs = tuple((str(name), str(value)) for name, value in labels)
                self._keys.setdefault(Fingerprint(str(check), str(rule), pairs), str(key))
            for text in known["resolved"]:
                alert = load_alert(text)
                self._resolved.setdefault(alert.identity, alert)
        except (CodecError, KeyError, TypeError, ValueError):
            return

    def _own_key(self, alert: Alert, taken: Collection[str]) -> str:
        """The key of an incident that an alert opens, other than those that are open."""
        group = self._group_of(alert)
        if group not in taken:
            return group
        own = f"{group} {alert.identity.check}"
        return own if own not in taken else f"{group} {alert.identity}"

    def _oldest_of_same_cause(
        self,
        alert: Alert,
        candidates: _Candidates,
        paged: Callable[[str], float | None],
        is_wide: bool,
    ) -> Alert | None:
        """Of the alerts that have an incident, the first of those with the same cause. ``paged``
        says since when an incident is known as critical."""

        def together(other: Alert) -> bool:
            is_apart = _is_page(alert) or _is_page(other)
            return is_wide or not is_apart or paged(self._keys[other.identity]) is None

        def related(other: Alert) -> bool:
            if other.identity.rule not in (FAILING, NO_DATA):
                return False
            since = paged(self._keys[other.identity])
            if since is None or abs(alert.since - other.since) <= RELATED_SECONDS:
                return True
            return alert.fired - since <= RELATED_SECONDS

        def perhaps(other: Alert) -> bool:
            is_failure = other.identity.rule in (FAILING, NO_DATA)
            return is_failure and paged(self._keys[other.identity]) is not None and together(other)

        found = candidates.oldest(alert, TOGETHER_SECONDS, together, related)
        if found is not None or alert.severity is Severity.CRITICAL:
            return found
        earliest = max(self._earliest(alert), alert.since - RELATED_SECONDS)
        if earliest >= alert.since:
            return None
        return candidates.newest_begun(earliest - TOGETHER_SECONDS, alert.since, perhaps)


def _is_page(alert: Alert) -> bool:
    """Whether it is about a page that is a service of its own."""
    return alert.service == alert.identity.check
