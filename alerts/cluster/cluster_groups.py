"""Groups as one of several probes sees them: what is sent in which group, what is held open, what
the others are asked for, and what is left to them."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from alerts.cluster.cluster import Cluster
from alerts.cluster.protocol.responder import (
    LocalState,
    openings_of,
    sending_of,
    undelivered_of,
)
from alerts.model import Alert, Delivery, MessageType
from alerts.notification.grouping import GroupStore, IsSuppressed, alert_groups
from alerts.notification.message import AlertGroup
from alerts.notification.notification_log import Key
from alerts.state.suspected_alert import SuspectedAlert

# Names of kept times of resolves begin so.
_ENDED = "ended:"


def incidents_among(
    cluster: Cluster,
    firing: Iterable[Alert],
    over: Iterable[Alert],
    subject_of: Callable[[str], str],
    suppressed: IsSuppressed,
    *,
    notified: Collection[str],
    own_network_fails: bool,
) -> list[AlertGroup]:
    """All incidents, given what fires here and what was resolved lately. ``subject_of`` takes a
    check's name; ``notified`` are incidents that a receiver was sent; ``own_network_fails``:
    it is our own network, so nothing is evaluated again."""

    def subject(alert: Alert) -> str:
        return subject_of(alert.identity.check)

    placed = cluster.scope_alerts(firing, subject, own_network_fails=own_network_fails)
    ended = [each for alert in over for each in cluster.scope_resolved(alert, subject(alert))]
    subjects = {each.alert.identity: each.subject for each in (*ended, *placed)}
    waiting = {each.alert.identity for each in placed if each.waits}
    incidents = alert_groups(
        [each.alert for each in placed],
        [each.alert for each in ended],
        lambda alert: subjects[alert.identity],
        lambda alert: alert.identity in waiting or suppressed(alert),
    )
    known = {each.subject for each in incidents}
    cluster.open_groups.forget_all_but(known.union(notified))
    incidents += [AlertGroup(each) for each in dict.fromkeys(notified) if each not in known]
    return [
        replace(
            each,
            held=cluster.open_groups.is_kept(
                each.subject, fires=bool(each.firing or each.suppressed)
            ),
            moved_to=cluster.agreement.moved_to(each.subject, subject_of),
        )
        for each in incidents
    ]


def query_for(
    cluster: Cluster,
    suspected: Sequence[SuspectedAlert],
    views: Collection[Key],
    waiting: Sequence[Delivery],
    subjects: Mapping[str, str],
    forgotten: Iterable[str],
    ended: Mapping[Key, float],
) -> None:
    """The others are asked for the checks that are seen as bad, and for all groups of them, of
    what was sent (``views``) and of what waits to be; and for those ``forgotten``. ``ended`` is
    when this probe resolved a group."""
    keys = [(each.notifier, each.message.key) for each in waiting]
    groups = {subjects.get(each.identity.check, each.identity.check) for each in suspected}
    groups |= {group for _, group in (*views, *keys)} | set(forgotten)
    ended = {**ended, **dict(_ends(waiting))}
    cluster.set_suspected(suspected, bool(views or waiting), groups, keys, ended)


def local_state(
    group_store: GroupStore,
    subjects: Mapping[str, str],
    waiting: Sequence[Delivery],
    suspected: Sequence[SuspectedAlert],
    incidents: Mapping[str, str],
) -> LocalState:
    """What others are answered: ``subjects`` are the groups of checks, ``waiting`` what waits
    for its receiver, ``incidents`` the ids of open ones by group."""
    waiting = list(_of_cluster(waiting))
    return LocalState(
        subjects,
        group_store.views,
        undelivered_of(waiting),
        group_store.ended,
        suspected=suspected,
        openings=openings_of(waiting),
        incidents=incidents,
        sending=sending_of(waiting, group_store.log.accepted),
    )


def _of_cluster(waiting: Iterable[Delivery]) -> Iterable[Delivery]:
    """What matters to the others: not what only changes a message of this probe's own."""
    return (each for each in waiting if not each.message.quiet)


def _ends(waiting: Iterable[Delivery]) -> Iterable[tuple[Key, float]]:
    """Groups of which the end waits to be sent, and since when."""
    for each in waiting:
        if each.message.occasion is MessageType.RESOLVED:
            yield (each.notifier, each.message.key), each.message.at


def overtaken(
    cluster: Cluster, waiting: Iterable[Delivery], by_key: Collection[str]
) -> dict[Key, Delivery]:
    """What waits and is no longer true for the cluster, the last one of each notifier and group;
    what waits after it is. ``by_key`` are notifiers whose service recognizes a group by its key."""
    return {
        (each.notifier, each.message.key): each
        for each in waiting
        if cluster.is_overtaken(each, deduplicates=each.notifier in by_key)
    }


class ClusterLink:
    """What the pipeline of one probe and the others need of each other at each flush."""

    def __init__(self, cluster: Cluster, group_store: GroupStore) -> None:
        self._cluster, self._group_store, self._ended = cluster, group_store, EndedGroups()
        self._overtaken: dict[Key, Delivery] = {}
        group_store.assign = cluster.roles.assign
        group_store.owner_elsewhere = cluster.roles.owner_elsewhere

    def incident_of(self, subject: str) -> str:
        """The id of a group's open incident at the others, the least of several; empty without."""
        answers = [member.groups.get(subject) for member in self._cluster.peers.reachable]
        return min(
            (answer.incident for answer in answers if answer and answer.incident), default=""
        )

    def restore(self, documents: Mapping[str, str]) -> None:
        """Take up when groups were resolved."""
        self._group_store.ended |= self._ended.restore(documents)

    def begin(
        self,
        suspected: Sequence[SuspectedAlert],
        waiting: Sequence[Delivery],
        subjects: Mapping[str, str],
        forgotten: Iterable[str],
    ) -> None:
        """Say what the others are to be asked for, and find what they have overtaken."""
        group_store, waiting = self._group_store, list(_of_cluster(waiting))
        query_for(
            self._cluster,
            suspected,
            group_store.views,
            waiting,
            subjects,
            forgotten,
            group_store.ended,
        )
        keyed = {route.name for route in group_store.routes.notifiers if route.deduplicates}
        self._overtaken = overtaken(self._cluster, waiting, keyed)
        self._cluster.roles.flushed(keyed)

    def end(self) -> tuple[dict[str, str | None], dict[Key, Delivery | None]]:
        """What is to be kept, and of which notifier and group what waits is to be withdrawn, up to
        which message (None: all of it): an end among it is no end."""
        withdrawn = {**self._overtaken, **dict.fromkeys(self._group_store.withdrawn)}
        self._group_store.withdrawn.clear()
        for key in withdrawn:
            self._group_store.ended.pop(key, None)
        return self._ended.documents(self._group_store.ended), withdrawn


class EndedGroups:
    """Turns the times of resolves into documents, and back."""

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def restore(self, documents: Mapping[str, str]) -> dict[Key, float]:
        """What was kept; passes over what can't be read."""
        found: dict[Key, float] = {}
        for name, text in documents.items():
            if not name.startswith(_ENDED):
                continue
            self._kept.add(name)
            try:
                notifier, group = json.loads(name.removeprefix(_ENDED))
                found[str(notifier), str(group)] = float(text)
            except (TypeError, ValueError):
                continue
        return found

    def documents(self, ended: Mapping[Key, float]) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        present = {_ENDED + json.dumps(key): json.dumps(at) for key, at in ended.items()}
        changed: dict[str, str | None] = {
            name: text for name, text in present.items() if name not in self._kept
        }
        changed |= dict.fromkeys(self._kept - present.keys())
        self._kept = set(present)
        return changed
