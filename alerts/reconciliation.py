"""After a start that found nothing of what was stored: which incidents are open at receivers.

A receiver that can be asked is asked, once it answers; what it holds of this region's checks is
taken up as if it were stored. Of others it is said that incidents may be open there.

Among several probes each one asks: receivers that can be asked recognize an incident by its key, so
each probe sends to them. What the probes share has no region there, what one region alone sees is
in a group of that region.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.cluster.decisions.scoped_alert import local_group, seen_here
from alerts.model import SEEN_FROM, Alert, Delivery, Fingerprint, NotifyError, OpenAlert
from alerts.notification.message import highest_severity, name_of
from alerts.notification.meta_messages import left_open
from alerts.notification.notification_log import Key, NotificationLogEntry
from alerts.notifier import Queryable
from alerts.outbox.outbox import Outbox
from alerts.pipeline import Pipeline
from alerts.state.labels import labels_of_value
from probe.core.kind import Check
from probe.report.text.sanitize import clean

logger = logging.getLogger(__name__)

# A receiver that does not answer is asked again after so long.
AGAIN_SECONDS = 60.0
MAX_TRIES = 60
MAX_NAMED = 10


@dataclass
class Reconciliation:
    """Asks the receivers once. ``had_stored``: an earlier process stored something, which is lost;
    ``checks`` are those of now, by name; ``now`` is in seconds since 1970; ``among_others``: this
    is one of several probes."""

    pipeline: Pipeline
    outbox: Outbox
    now: Callable[[], float]
    had_stored: bool
    among_others: bool = False
    checks: Mapping[str, Check] = field(default_factory=dict)
    # Incidents that are open at a pager, and that a check of ours belongs to, with the pager.
    open_keys: set[Key] = field(default_factory=set)
    notice: str = ""
    on_change: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Ask, and go on until cancelled."""
        notifiers = self.pipeline.config.notifiers
        receivers = [
            each for each in notifiers.values() if isinstance(each, Queryable) and each.can_query
        ]
        unknown = sorted(set(notifiers) - {each.name for each in receivers})
        if unknown and self.had_stored:
            await self._report_unknown(unknown)
        await asyncio.gather(*(self._query(each) for each in receivers))
        await asyncio.Event().wait()

    async def _query(self, notifier: Queryable) -> None:
        regions = ["", self._region] if self.among_others else [self._region]
        for _ in range(MAX_TRIES):
            try:
                found = await notifier.open_alerts(regions, sorted(self._own_keys()))
            except NotifyError as error:
                logger.warning(
                    "%s can't be asked what is open there: %s", notifier.name, error.reason
                )
                if error.permanent:
                    return
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                await self._take_up(notifier.name, found)
                return

    @property
    def _region(self) -> str:
        return self.pipeline.config.region

    def _own_keys(self) -> set[str]:
        """Keys of every incident that may be this probe's."""
        groups = set(self.pipeline.groups.values())
        here = {local_group(each, self._region) for each in groups} if self.among_others else set()
        return groups | here

    async def _take_up(self, name: str, found: Sequence[OpenAlert]) -> None:
        foreign, own = [], self._own_keys()
        for key, alerts in self._by_key(found).items():
            if key not in own:
                foreign.append(key)
                continue
            self.open_keys.add((name, key))
            if known := [each for each in alerts if each.check in self.checks]:
                await self._adopt(name, key, known)
        logger.info("%s holds %d incidents of this probe open", name, len(found))
        foreign = [each for each in foreign if not self._is_of_another_region(each)]
        if foreign:
            text = clean(", ".join(sorted(foreign)[:MAX_NAMED]))
            logger.warning("%s holds incidents open that no check belongs to: %s", name, text)
            self.notice = f"{self.notice} Open at {name}, and no check belongs to it: {text}."
        self.on_change()

    def _by_key(self, found: Sequence[OpenAlert]) -> dict[str, list[OpenAlert]]:
        """What is open by incident; of a service that keeps no keys, by the group of its check."""
        result: dict[str, list[OpenAlert]] = {}
        for each in found:
            group = self.pipeline.groups.get(each.check, each.check)
            if self._is_local(each):
                group = local_group(group, self._region)
            result.setdefault(each.key or group, []).append(each)
        return result

    def _is_local(self, found: OpenAlert) -> bool:
        """Whether this region alone saw it, so that it was sent as that."""
        return self.among_others and (SEEN_FROM, self._region) in found.labels

    def _is_of_another_region(self, key: str) -> bool:
        """Whether another one of several probes resolves it: only its region saw it."""
        groups = set(self.pipeline.groups.values()) if self.among_others else ()
        return key.endswith(")") and any(key.startswith(f"{each} (") for each in groups)

    async def _adopt(self, name: str, key: str, found: Sequence[OpenAlert]) -> None:
        """Go on with an incident as it is at a receiver, unless one has begun here."""
        if (name, key) in self.pipeline.group_store.views:
            return
        alerts = [self._alert(each) for each in found]
        sent = [
            seen_here(alert, self._region) if self._is_local(each) else alert
            for alert, each in zip(alerts, found, strict=True)
        ]
        names = tuple(sorted({name_of(each) for each in sent}))
        since, now = min(each.since for each in found), self.now()
        await self.outbox.remember(name, key, _memory_of(found))
        entry = NotificationLogEntry(
            severity=highest_severity(sent),
            members=names,
            since=since,
            sent_at=now,
            opened=since,
            story=names,
        )
        self.pipeline.group_store.log.keep((name, key), entry)
        for alert in alerts:
            self.pipeline.adopt(alert, key, now)

    def _alert(self, found: OpenAlert) -> Alert:
        check = self.checks[found.check]
        apart = {SEEN_FROM} if self._is_local(found) else set()
        sent = {name: text for name, text in found.labels if name not in apart}
        labels = labels_of_value(check, found.rule, sent)
        return Alert(
            identity=Fingerprint(found.check, found.rule, labels),
            severity=found.severity,
            since=found.since,
            fired=found.since,
            summary=found.summary,
            kind=check.kind.name,
            target=check.table.target,
            region=self._region,
            runbook="",
            labels=tuple(check.table.labels.items()),
        )

    async def _report_unknown(self, names: Sequence[str]) -> None:
        """That what was sent before is not known any more."""
        text = f"What was stored is lost. Incidents may have been left open at {', '.join(names)}"
        text += ", unless another probe knows of them." if self.among_others else "."
        logger.warning("%s", text)
        self.notice = text
        note = left_open(text, self.pipeline.config.region, self.now())
        deliveries = [Delivery(each, note, due=note.at) for each in self.pipeline.config.notifiers]
        await self.outbox.commit({}, deliveries)
        self.on_change()


def _memory_of(found: Sequence[OpenAlert]) -> dict[str, str]:
    """What a notifier would remember of an incident: the lists of its alerts, joined."""
    names = {name for each in found for name in each.memory}
    return {
        name: json.dumps([one for each in found for one in json.loads(each.memory[name])])
        for name in sorted(names)
    }
