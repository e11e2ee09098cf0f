"""The alert pipeline: results in, notifications out. Pure: no clock, no file, no network.

The daemon runs it, and so does every test of whole incidents, with or without other probes.
State that has to survive a restart comes out of :meth:`Pipeline.flush` as documents; what
a receiver accepted or refused is handed back in.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import product

from msgspec.structs import replace

from alerts.cluster.cluster import Cluster
from alerts.cluster.cluster_groups import ClusterLink, incidents_among
from alerts.config import AlertingConfig
from alerts.flush import Flush
from alerts.incident_history.recorder import IncidentRecorder
from alerts.model import SEEN_FROM, Alert, Delivery, Fingerprint, Silence
from alerts.notification.affected import with_pending
from alerts.notification.grouping import GroupStore, alert_groups
from alerts.notification.incident import OpenIncidents
from alerts.notification.message import AlertGroup, MessageContext, is_open
from alerts.notification.meta_messages import pagers, resolve_after_restart
from alerts.notification.notification_log import Key
from alerts.notification.recent_changes import RecentChanges
from alerts.notification.route import Routes
from alerts.own_alerts import CHECK as OWN_CHECK
from alerts.own_alerts import OwnAlerts, OwnProblem
from alerts.silence.suppression import Suppression
from alerts.state.alert_store import AlertStore, Event
from alerts.state.confirmation import Confirmation
from alerts.state.renames import renamed_checks
from alerts.unknown_groups import UnknownGroups
from probe.core.kind import Check
from probe.core.model import Evaluation, Result


class Pipeline:
    """Every alert from its first bad result to its resolve.

    ``cluster`` links it to other probes; None: it is alone. All times are
    seconds since 1970 on a clock that doesn't jump; ``wall`` gives the wall clock as it is at
    such a time, with which silences and maintenance windows are compared.
    """

    def __init__(
        self,
        config: AlertingConfig,
        cluster: Cluster | None = None,
        wall: Callable[[float], float] = lambda now: now,
    ) -> None:
        self._config, self._cluster = config, cluster
        self.suppression = Suppression(wall)
        self.suppression.tables = config.windows
        self.own = OwnAlerts(config.region)
        self.alerts, self.changes = AlertStore(config.region), RecentChanges()
        self.recorder = IncidentRecorder(config.region)
        self.group_store = GroupStore(
            Routes(config.routes, config.own_routes), confirm=self._is_confirmed
        )
        self._link = ClusterLink(cluster, self.group_store) if cluster is not None else None
        if cluster is not None and self._link is not None:
            self.recorder.id_elsewhere = self._link.incident_of
        self._confirmation = Confirmation()
        self.incidents = OpenIncidents(
            self._group_of, self.group_store.log.critical_since, self._earliest
        )
        self._checks: dict[str, Check] = {}
        self._renamed, self.groups = dict[str, str](), dict[str, str]()
        self._events, self.own_network_fails = list[Event](), False
        self._recovering: frozenset[Fingerprint] = frozenset()
        self.unknown = UnknownGroups(cluster, config.region)
        self.waiting: Sequence[Delivery] = ()  # as far as they matter to other probes
        self._now, self._groups = 0.0, list[AlertGroup]()
        # Names of stored alerts that could not be read.
        self.unreadable: list[str] = []

    @property
    def config(self) -> AlertingConfig:
        """The configuration; can be replaced at run time."""
        return self._config

    @config.setter
    def config(self, config: AlertingConfig) -> None:
        self._config = config
        self.suppression.tables = config.windows
        self.group_store.routes = Routes(config.routes, config.own_routes)

    def restore(self, documents: Mapping[str, str], waiting: Iterable[Key] = ()) -> None:
        """Restore the documents of an earlier process, at any time: what is known stays.
        ``waiting`` are notifier and incident of every pending message."""
        self.unreadable = self.alerts.restore(documents)
        self.own.restore(documents)
        self.group_store.restore(documents, waiting)
        if self._link is not None:
            self._link.restore(documents)
        self.incidents.restore(documents)
        if self._checks:
            self.set_checks(list(self._checks.values()), self._now)

    def set_checks(self, checks: Sequence[Check], now: float) -> None:
        """These are the checks from now on; alerts of others are closed."""
        before, self._checks = self._checks, {check.name: check for check in checks}
        self._renamed |= renamed_checks(before, self._checks)
        self.groups |= {check.name: check.table.alert_group for check in checks}
        self.record(self.alerts.set_checks(checks, now))
        self._renamed |= {old.check: new.check for old, new in self.alerts.renamed.items()}
        self.incidents.rename(self.alerts.renamed)
        self.group_store.log.rename({str(k): str(v) for k, v in self.alerts.renamed.items()})
        if self._cluster is not None:
            self._cluster.set_checks(checks, self.groups)

    def take_renamed(self) -> dict[str, str]:
        """The new names of checks by their old ones since the last call."""
        renamed, self._renamed = self._renamed, {}
        return renamed

    def handle_result(
        self,
        check: Check,
        result: Result,
        evaluations: Sequence[Evaluation],
        now: float,
        *,
        backed_up: bool,
    ) -> None:
        """A check has a new result, or its result is evaluated again."""
        self.changes.note(check.name, result.facts, now)
        if self._cluster is not None:
            self._cluster.note(check, result)
        if self.own_network_fails:
            return
        self._confirmation.add_result(result, now)
        self.record(self.alerts.update(check, result, evaluations, now, backed_up=backed_up))

    def record(self, events: Sequence[Event]) -> None:
        """Something has happened to alerts."""
        self._events += events
        for alert in (each.alert for each in events if each.alert.ended is not None):
            self.incidents.add_resolved(alert)

    def take_events(self, most: int | None = None) -> tuple[Event, ...]:
        """What has happened to alerts and was not taken yet, so many at ``most``."""
        taken, self._events = self._events[:most], self._events[most:] if most else []
        return tuple(taken)

    def adopt(self, alert: Alert, key: str, at: float) -> None:
        """Take an alert as firing in an incident, as a receiver was sent, until a result says
        otherwise."""
        if alert.identity.check == OWN_CHECK:
            self.own.adopt(alert)
            return
        self.alerts.adopt(alert, at)
        self.incidents.adopt(alert, key)
        self.recorder.adopt(key)

    @property
    def firing(self) -> list[Alert]:
        """Everything that fires, about checks and about the probe itself."""
        return [*self.own.firing, *self.alerts.firing]

    def set_own(self, problems: Mapping[str, OwnProblem], now: float) -> bool:
        """Present problems of the probe itself, by rule; whether anything has changed."""
        self._events += (events := self.own.update(problems, now))
        return bool(events)

    @property
    def is_idle(self) -> bool:
        """Whether a flush would find nothing to do until time has passed."""
        waits = self._cluster or self._events or self.own.firing or self.unknown.keys
        return not waits and self.alerts.is_idle and not any(map(is_open, self._groups))

    def resolve_unknown(self, keys: Collection[Key] | None = None) -> None:
        """Every check has run once, and what was open before the start is unknown: whatever
        works of some incidents at pagers, or of all, is resolved there."""
        every = product(pagers(self._config.notifiers), self.groups.values())
        self.unknown.keys |= set(every if keys is None else keys)

    def delivered(self, delivery: Delivery, now: float | None = None) -> None:
        """A receiver has accepted a message."""
        for each in (self.group_store.log, self.recorder):
            each.delivered(delivery, self._now if now is None else now)

    def refused(self, delivery: Delivery, now: float) -> None:
        """A receiver has refused a message for good."""
        self.group_store.log.refused(delivery, now)

    def flush(self, now: float, silences: Sequence[Silence] = ()) -> Flush:
        """What follows from all results until ``now`` (seconds since 1970): messages to send,
        documents to store, alerts that changed, messages that others have overtaken."""
        self._now, self.suppression.silences = now, silences
        if not self.own_network_fails:
            self.record(self.alerts.tick(now))
        self._recovering = frozenset(self.alerts.recovering)
        if self._link is not None:
            suspected = self.alerts.suspected(now)
            self._link.begin(suspected, self.waiting, self.groups, self.unknown.groups)
        self._groups = groups = self._alert_groups(now)
        deliveries = self.group_store.settle(groups, now, self._context(now))
        self.unknown.note_sent(deliveries)
        deliveries += self._resolves_of_unknown(now)
        self.recorder.update(groups, now, lambda alert: self.suppression.suppressed_by(alert, now))
        self.recorder.queued(deliveries)
        log = self.group_store.log
        is_open = log.is_open if self._cluster is None else log.is_open_anywhere
        self.incidents.close(is_open, self.alerts.firing)
        documents = {
            **self.alerts.documents(),
            **self.own.documents(),
            **self.group_store.log.documents(),
            **self.incidents.documents(),
        }
        withdrawn: dict[Key, Delivery | None] = {}
        if self._link is not None:
            ended, withdrawn = self._link.end()
            documents |= ended
            self.recorder.withdrawn(withdrawn)
        return Flush(tuple(deliveries), documents, self.take_events(), withdrawn)

    def not_sent(self, key: Key) -> None:
        """A resolve that was not sent is not reported to other probes."""
        self.group_store.ended.pop(key, None)
        self.recorder.dropped(key)

    def knows(self, check: str) -> bool:
        """Whether a check runs now."""
        return check in self._checks

    def next_time(self, now: float) -> float | None:
        """When :meth:`flush` will have something to do without a new result."""
        times = [
            None if self.own_network_fails else self.alerts.next_time(),
            self.group_store.next_time(self._groups, now),
            self._confirmation.next_time(now),
            self._cluster.agreement.next_time(self.alerts.firing) if self._cluster else None,
            self.suppression.next_change(now),
        ]
        return min((time for time in times if time is not None), default=None)

    def checks_to_run(self) -> set[str]:
        """Checks that have to run at once, before people are notified of them."""
        return self._confirmation.wanted()

    def _alert_groups(self, now: float) -> list[AlertGroup]:
        is_suppressed = self.suppression.predicate_at(now)
        firing = self.alerts.firing
        again = {alert.identity for alert in firing}
        resolved = [each for each in self.incidents.resolved if each.identity not in again]
        if self._cluster is None:
            (opened := self.incidents).assign(firing)
            groups = opened.with_members(
                alert_groups(firing, resolved, opened.key_of, is_suppressed)
            )
        else:
            groups = incidents_among(
                self._cluster,
                firing,
                resolved,
                lambda check: self.groups.get(check, check),
                is_suppressed,
                notified=[
                    *(key for _, key in self.group_store.views if key != self.own.subject),
                    *self.unknown.groups,
                ],
                own_network_fails=self.own_network_fails,
            )
        results, joins = self._confirmation, self._cluster is None
        return self.own.groups(is_suppressed) + with_pending(
            groups, self.alerts, self._checks, results, now, joins=joins
        )

    def _context(self, now: float) -> MessageContext:
        config, changes = self._config, self.changes
        return MessageContext(
            *(config.region, config.public_url, config.grafana_url),
            *(tuple(changes.changes(now)), config.runbooks, changes.markers(now)),
            lambda key, opens: self.recorder.id_of(key, now, opens=opens),
        )

    def _group_of(self, alert: Alert) -> str:
        return self.groups.get(alert.identity.check, alert.identity.check)

    def _earliest(self, alert: Alert) -> float:
        check = self._checks.get(alert.identity.check)
        return self._confirmation.earliest(alert, check.interval if check else 0.0)

    def _is_confirmed(self, alert: Alert) -> bool:
        # What this region alone sees is the same alert with one label more.
        labels = tuple(each for each in alert.identity.labels if each[0] != SEEN_FROM)
        if replace(alert.identity, labels=labels) in self._recovering:
            return False
        check = self._checks.get(alert.identity.check)
        return self._confirmation.is_confirmed(alert, check, self._now)

    def _resolves_of_unknown(self, now: float) -> list[Delivery]:
        """One resolve for each incident that works; what fires gets its own in its time."""
        firing = {self._group_of(alert) for alert in self.alerts.firing}
        pending = {self.groups.get(name, name) for name in self.alerts.pending}
        over = self.unknown.over(firing, pending, self.group_store.views, now)
        return [resolve_after_restart(*key, self._config.region, now) for key in over]
