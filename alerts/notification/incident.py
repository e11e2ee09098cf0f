"""Which incident each firing alert belongs to: one cause is one incident; pure.

An alert joins an open incident when it began together with one of its alerts, or when another
check of the same group or service fails already: since a short time ago, or in an incident that
was not paged, so that a page is never hidden by an old incident. Otherwise it opens an
incident of its own, whose key is the alert's group where that is free.

A page that is a service of its own is not part of an application: it joins what it began together
with only while that is not paged yet, or while several services fail.

Where several probes watch the same target, incidents are shared by key among them, so each
group is one incident there and nothing is joined (``cluster``).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.message import AlertGroup
from alerts.outbox.codec import dump_alert, load_alert
from alerts.state.annotations import FAILING, NO_DATA
from probe.storage.json_codec import CodecError

# What began within so many seconds began together: checks run at different times.
TOGETHER_SECONDS = 120.0
# A failure of the same group or service so soon after another has the same cause.
RELATED_SECONDS = 900.0
# From so many services on, what fails together has one cause, whatever it is a part of.
MANY_SERVICES = 3
# An incident keeps at most so many resolved alerts; of more, the newest.
MAX_RESOLVED = 50
DOCUMENT = "incidents"

GroupOf = Callable[[Alert], str]


class OpenIncidents:
    """The incident of every firing alert, and what was resolved since each incident opened.

    ``group_of`` gives an alert's group; ``critical_since`` says since when a receiver knows
    an incident as critical, None if none does.
    """

    def __init__(self, group_of: GroupOf, critical_since: Callable[[str], float | None]) -> None:
        self._group_of, self._critical_since = group_of, critical_since
        self._keys: dict[Fingerprint, str] = {}
        self._resolved: dict[Fingerprint, Alert] = {}
        self._kept = ""

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
        is_wide = len({alert.service for alert in firing}) >= MANY_SERVICES
        # The most severe first, so that a new incident is named after what matters.
        for alert in sorted(new, key=lambda each: each.severity is not Severity.CRITICAL):
            others = over + [each for each in firing if each.identity in self._keys]
            self._keys[alert.identity] = self._incident_for(alert, others, is_wide)

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
        text = ""
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

    def _incident_for(self, alert: Alert, others: Sequence[Alert], is_wide: bool) -> str:
        joined = [each for each in others if self._has_same_cause(alert, each, is_wide)]
        if joined:
            oldest = min(joined, key=lambda each: (each.since, str(each.identity)))
            return self._keys[oldest.identity]
        taken = {self._keys[each.identity] for each in others}
        group = self._group_of(alert)
        if group not in taken:
            return group
        own = f"{group} {alert.identity.check}"
        return own if own not in taken else f"{group} {alert.identity}"

    def _has_same_cause(self, alert: Alert, other: Alert, is_wide: bool) -> bool:
        apart = abs(alert.since - other.since)
        is_apart = _is_page(alert) or _is_page(other)
        joins = is_wide or not is_apart or self._critical_since(self._keys[other.identity]) is None
        if apart <= TOGETHER_SECONDS and joins:
            return True
        if other.identity.rule not in (FAILING, NO_DATA) or not self._is_related(alert, other):
            return False
        paged = self._critical_since(self._keys[other.identity])
        if apart <= RELATED_SECONDS or paged is None:
            return True
        return alert.fired - paged <= RELATED_SECONDS

    def _is_related(self, alert: Alert, other: Alert) -> bool:
        if alert.service and alert.service == other.service:
            return True
        return self._group_of(alert) == self._group_of(other)


def _is_page(alert: Alert) -> bool:
    """Whether it is about a page that is a service of its own."""
    return alert.service == alert.identity.check
