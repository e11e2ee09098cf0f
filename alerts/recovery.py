"""After a start: what is open at receivers, by the database and by the journal, made one.

Whatever was lost of either, each open incident goes on: its alerts are taken as firing until
a result says otherwise, so that it gets its resolve or stays as it was told.
"""

import logging
from collections.abc import Iterable

from alerts.cluster.leader import MINE
from alerts.incident_log import IncidentLog, OpenIncident
from alerts.model import Alert, Severity
from alerts.notification.grouping import GroupStore, NotificationLogEntry
from alerts.outbox.outbox import Outbox
from alerts.own_alerts import CHECK as OWN_CHECK
from alerts.own_alerts import OwnAlerts
from alerts.state.alert_store import AlertStore

logger = logging.getLogger(__name__)


async def recover(
    keeper: AlertStore,
    own: OwnAlerts,
    desk: GroupStore,
    outbox: Outbox,
    notifiers: Iterable[str],
    *,
    lost: bool,
) -> int:
    """Bring alerts and views in line with the journal; how many incidents were taken up.

    Both have been restored from the database before; ``lost``: some alerts could not be read.
    """
    log = outbox.incidents
    if log is None:
        return 0
    waiting = {(each.notifier, each.message.key) for each in await outbox.waiting()}
    if log.is_complete:
        _drop_what_was_closed(desk, log, waiting)
    found = {(each.notifier, each.key): each for each in log.open_incidents}
    taken = 0
    for key, incident in found.items():
        if key in desk.views or key in waiting or key[0] not in set(notifiers):
            continue
        desk.switch_to(key, _view(incident))
        for alert in incident.alerts:
            _adopt(keeper, own, alert, incident.told)
        await outbox.remember(*key, incident.memory)
        taken += 1
    if taken or lost or outbox.was_damaged:
        _adopt_lost_alerts(keeper, own, desk, found)
    await _complete([*keeper.firing, *own.firing], desk, log)
    if taken:
        logger.warning("%d open incidents are taken up from the journal", taken)
    return taken


def _drop_what_was_closed(
    desk: GroupStore, log: IncidentLog, waiting: set[tuple[str, str]]
) -> None:
    """An end that was taken after the database was last written, and a message that was lost
    before anybody had it: what still fires is told anew."""
    for key, view in list(desk.views.items()):
        if view.owner != MINE or key in waiting:
            continue
        closed = log.closed_at(*key)
        ended = closed is not None and closed >= view.told
        if ended or not log.knows(*key):
            desk.drop(key)


def _adopt(keeper: AlertStore, own: OwnAlerts, alert: Alert, heard: float) -> None:
    if alert.identity.check == OWN_CHECK:
        own.switch_to(alert)
    else:
        keeper.switch_to(alert, heard)


def _adopt_lost_alerts(
    keeper: AlertStore, own: OwnAlerts, desk: GroupStore, found: dict[tuple[str, str], OpenIncident]
) -> None:
    """Members of incidents whose alerts could not be read."""
    firing = {str(alert.identity) for alert in (*keeper.firing, *own.firing)}
    for key, view in desk.views.items():
        incident = found.get(key)
        known = {str(alert.identity): alert for alert in incident.alerts} if incident else {}
        for member in set(view.members) - firing:
            if member in known:
                _adopt(keeper, own, known[member], view.told)


async def _complete(alerts: Iterable[Alert], desk: GroupStore, log: IncidentLog) -> None:
    """Have the journal know what the database knows."""
    firing = {str(alert.identity): alert for alert in alerts}
    missing = [
        OpenIncident(
            notifier=notifier,
            key=key,
            alerts=tuple(firing[each] for each in view.members if each in firing),
            told=view.told,
            opened=view.opened,
            memory={},
        )
        for (notifier, key), view in desk.views.items()
        if view.owner == MINE and not log.is_open(notifier, key)
    ]
    await log.switch_to(missing)
    await log.start()


def _view(incident: OpenIncident) -> NotificationLogEntry:
    alerts = incident.alerts
    return NotificationLogEntry(
        severity=_worst(alerts),
        members=tuple(sorted(str(alert.identity) for alert in alerts)),
        since=min((alert.since for alert in alerts), default=incident.opened),
        told=incident.told,
        opened=incident.opened,
    )


def _worst(alerts: Iterable[Alert]) -> Severity:
    critical = any(alert.severity is Severity.CRITICAL for alert in alerts)
    return Severity.CRITICAL if critical else Severity.WARNING
