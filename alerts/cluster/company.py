"""Incidents as one of several probes sees them: what is told as whose, and what is held open."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from alerts.cluster.cluster import Cluster
from alerts.model import Alert
from alerts.notification.grouping import Mute, alert_groups
from alerts.notification.message import AlertGroup


def incidents_among(
    fleet: Cluster,
    firing: Iterable[Alert],
    over: Iterable[Alert],
    subject_of: Callable[[str], str],
    muted: Mute,
    *,
    told: Iterable[str],
    excused: bool,
) -> list[AlertGroup]:
    """All incidents, given what burns here and what ended lately. ``subject_of`` takes a
    check's name; ``told`` are incidents that somebody was told of; ``excused``: it is our own
    network, so nothing is judged anew."""

    def subject(alert: Alert) -> str:
        return subject_of(alert.identity.check)

    placed = fleet.scope_alerts(firing, subject, excused=excused)
    ended = [each for alert in over for each in fleet.place_over(alert, subject(alert))]
    subjects = {each.alert.identity: each.subject for each in (*ended, *placed)}
    waiting = {each.alert.identity for each in placed if each.waits}
    incidents = alert_groups(
        [each.alert for each in placed],
        [each.alert for each in ended],
        lambda alert: subjects[alert.identity],
        lambda alert: alert.identity in waiting or muted(alert),
    )
    known = {each.subject for each in incidents}
    incidents += [AlertGroup(each) for each in dict.fromkeys(told) if each not in known]
    return [
        replace(
            each,
            # Before anybody was asked, nobody can say that it is over.
            held=not fleet.is_ready or fleet.is_open_elsewhere(each.subject),
            elsewhere=fleet.elsewhere(each.subject, subject_of),
        )
        for each in incidents
    ]
