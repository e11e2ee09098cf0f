"""After a start: open incidents at receivers, merged from the database and the journal.

Whatever was lost of either, each open incident goes on: its alerts are taken as firing until
a result says otherwise, so that it gets its resolve or stays as it was sent.
"""

import logging
from collections.abc import Mapping

from alerts.notification.message import highest_severity, name_of, wrong_of
from alerts.notification.notification_log import Key, NotificationLogEntry
from alerts.notifier import TO, RemembersAddress
from alerts.outbox.incident_log import IncidentLog, OpenIncident
from alerts.outbox.outbox import Outbox
from alerts.pipeline import Pipeline
from alerts.role import THIS_PROBE

logger = logging.getLogger(__name__)


async def restore(pipeline: Pipeline, outbox: Outbox) -> bool:
    """Restore what an earlier process stored; whether there was anything in the database."""
    documents, waiting = await outbox.states(), await outbox.waiting()
    pipeline.restore(documents, [(each.notifier, each.message.key) for each in waiting])
    await recover(pipeline, outbox)
    await _send_anew_where_moved(pipeline, outbox)
    return bool(documents)


async def _send_anew_where_moved(pipeline: Pipeline, outbox: Outbox) -> None:
    """What was sent to another address of a service, and fires, is sent to the present one."""
    moved: list[str] = []
    for key in list(pipeline.group_store.views):
        notifier: object = pipeline.config.notifiers.get(key[0])
        sent_to = (await outbox.memory(*key)).get(TO)
        if sent_to and isinstance(notifier, RemembersAddress) and sent_to != notifier.address:
            pipeline.group_store.log.move(key)
            await outbox.remember(*key, {})
            moved.append(" ".join(key))
    if moved:
        logger.warning(
            "open at another address than the present one, and to be ended there by hand: %s",
            ", ".join(moved),
        )


async def recover(pipeline: Pipeline, outbox: Outbox) -> int:
    """Bring alerts and notification log in line with the journal; how many incidents were
    taken up. The pipeline has been restored from the database before."""
    lost = pipeline.unreadable
    if lost:
        logger.warning("%d stored alerts can't be read: %s", len(lost), ", ".join(lost)[:400])
    journal = outbox.incidents
    if journal is None:
        return 0
    waiting = {(each.notifier, each.message.key) for each in await outbox.waiting()}
    waiting |= pipeline.group_store.log.refused_resolves
    _drop_what_was_closed(pipeline, journal, waiting)
    if lost or outbox.was_damaged:
        _drop_what_was_lost(pipeline, journal, waiting)
    else:
        _forget_what_is_over(pipeline, journal, waiting)
    found = {(each.notifier, each.key): each for each in journal.open_incidents}
    missing = [key for key in found if key not in pipeline.group_store.views and key not in waiting]
    taken = [key for key in missing if key[0] in pipeline.config.notifiers]
    for key in taken:
        incident = found[key]
        pipeline.group_store.log.keep(key, _entry(incident))
        for alert in incident.alerts:
            pipeline.adopt(alert, incident.key, incident.sent_at)
        await outbox.remember(*key, incident.memory)
    if taken or lost or outbox.was_damaged:
        _adopt_lost_alerts(pipeline, found)
    await _complete(pipeline, journal)
    if taken:
        logger.warning("%d open incidents are taken up from the journal", len(taken))
    return len(taken)


def _drop_what_was_closed(pipeline: Pipeline, journal: IncidentLog, waiting: set[Key]) -> None:
    """A resolve that was delivered after the database was last written."""
    for key, entry in _own_entries(pipeline, waiting):
        if journal.is_closed(*key, entry.sent_at):
            pipeline.group_store.log.keep(key, None)


def _drop_what_was_lost(pipeline: Pipeline, journal: IncidentLog, waiting: set[Key]) -> None:
    """A message that was lost with the damage before its receiver had it: what still fires is
    sent again. Without damage there is none, and a journal on a disk that hung lacks records."""
    for key, _ in _own_entries(pipeline, waiting):
        if journal.is_complete and not journal.knows(*key):
            pipeline.group_store.log.keep(key, None)


def _forget_what_is_over(pipeline: Pipeline, journal: IncidentLog, waiting: set[Key]) -> None:
    """An end that was delivered while the journal could not be written: the database, of which
    nothing was lost, has it neither open nor waiting."""
    known = {*pipeline.group_store.views, *waiting}
    open_here = [(each.notifier, each.key, each) for each in journal.open_incidents]
    journal.forget(
        each
        for notifier, key, each in open_here
        if (notifier, key) not in known and journal.is_outdated(notifier, key)
    )


def _own_entries(pipeline: Pipeline, waiting: set[Key]) -> list[tuple[Key, NotificationLogEntry]]:
    return [
        (key, entry)
        for key, entry in pipeline.group_store.views.items()
        if entry.owner == THIS_PROBE and not entry.refused and key not in waiting
    ]


def _adopt_lost_alerts(pipeline: Pipeline, found: Mapping[Key, OpenIncident]) -> None:
    """Members of incidents whose alerts could not be read."""
    firing = {name_of(alert) for alert in pipeline.firing}
    for key, entry in pipeline.group_store.views.items():
        incident = found.get(key)
        known = {name_of(alert): alert for alert in incident.alerts} if incident else {}
        for member in set(entry.members) - firing:
            if member in known:
                pipeline.adopt(known[member], key[1], entry.sent_at)


async def _complete(pipeline: Pipeline, journal: IncidentLog) -> None:
    """Add to the journal what only the database has."""
    firing = {name_of(alert): alert for alert in pipeline.firing}
    missing = [
        OpenIncident(
            notifier=notifier,
            key=key,
            alerts=tuple(firing[each] for each in entry.members if each in firing),
            sent_at=entry.sent_at,
            opened=entry.opened,
            memory={},
        )
        for (notifier, key), entry in pipeline.group_store.views.items()
        if entry.owner == THIS_PROBE and entry.accepted and not journal.is_open(notifier, key)
    ]
    await journal.adopt(missing)
    await journal.start()


def _entry(incident: OpenIncident) -> NotificationLogEntry:
    alerts = incident.alerts
    members = tuple(sorted(name_of(alert) for alert in alerts))
    severity = highest_severity(alerts)
    return NotificationLogEntry(
        severity=severity,
        members=members,
        since=min((alert.since for alert in alerts), default=incident.opened),
        sent_at=incident.sent_at,
        opened=incident.opened,
        story=members,
        wrong=wrong_of(alerts),
        critical_since=incident.opened if severity.value == "critical" else None,
        posted=True,
    )
