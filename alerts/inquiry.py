"""After a start that found nothing of what was stored: which incidents are open at receivers.

A receiver that can be asked is asked, once it answers; what it holds of this region's checks is
taken up as if it were stored. Of others it is said that incidents may be open there.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.model import Alert, Delivery, Fingerprint, NotifyError, OpenAlert, Severity
from alerts.notification.message import name_of
from alerts.notification.meta_messages import left_open
from alerts.notification.notification_log import NotificationLogEntry
from alerts.notifier import Askable
from alerts.outbox.outbox import Outbox
from alerts.pipeline import Pipeline
from probe.core.kind import Check
from probe.report.text.sanitize import clean

logger = logging.getLogger(__name__)

# A receiver that does not answer is asked again after so long.
AGAIN_SECONDS = 60.0
MAX_TRIES = 60
MAX_NAMED = 10


@dataclass
class Inquiry:
    """Asks the receivers once. ``had_stored``: an earlier process stored something, which is lost;
    ``checks`` are those of now, by name; ``now`` is in seconds since 1970."""

    pipeline: Pipeline
    outbox: Outbox
    now: Callable[[], float]
    had_stored: bool
    checks: Mapping[str, Check] = field(default_factory=dict)
    # Incidents that are open at a pager, and that a check of ours belongs to.
    open_keys: set[str] = field(default_factory=set)
    notice: str = ""
    on_news: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Ask, and go on until cancelled."""
        notifiers = self.pipeline.config.notifiers
        asked = [each for each in notifiers.values() if isinstance(each, Askable) and each.can_ask]
        unknown = sorted(set(notifiers) - {each.name for each in asked})
        if unknown and self.had_stored:
            await self._say(unknown)
        await asyncio.gather(*(self._ask(each) for each in asked))
        await asyncio.Event().wait()

    async def _ask(self, notifier: Askable) -> None:
        region = self.pipeline.config.region
        for _ in range(MAX_TRIES):
            try:
                found = await notifier.open_alerts(region, sorted(set(self._groups.values())))
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
    def _groups(self) -> Mapping[str, str]:
        return self.pipeline.groups

    async def _take_up(self, name: str, found: Sequence[OpenAlert]) -> None:
        foreign = []
        for key, alerts in _by_key(found, self._groups).items():
            if key not in self._groups.values():
                foreign.append(key)
                continue
            self.open_keys.add(key)
            if alerts[0].check:
                await self._adopt(name, key, alerts)
        logger.info("%s holds %d incidents of this probe open", name, len(found))
        if foreign:
            text = clean(", ".join(sorted(foreign)[:MAX_NAMED]))
            logger.warning("%s holds incidents open that no check belongs to: %s", name, text)
            self.notice = f"{self.notice} Open at {name}, and no check belongs to it: {text}."
        self.on_news()

    async def _adopt(self, name: str, key: str, found: Sequence[OpenAlert]) -> None:
        """Go on with an incident as it is at a receiver, unless one has begun here."""
        if (name, key) in self.pipeline.group_store.views:
            return
        alerts = tuple(self._alert(each) for each in found)
        since, now = min(each.since for each in found), self.now()
        await self.outbox.remember(name, key, _memory_of(found))
        entry = NotificationLogEntry(
            severity=max((each.severity for each in alerts), key=list(Severity).index),
            members=tuple(sorted(name_of(each) for each in alerts)),
            since=since,
            sent_at=now,
            opened=since,
            story=tuple(name_of(each) for each in alerts),
        )
        self.pipeline.group_store.adopt((name, key), entry)
        for alert in alerts:
            self.pipeline.adopt(alert, key, now)

    def _alert(self, found: OpenAlert) -> Alert:
        check = self.checks[found.check]
        own = dict(check.table.labels)
        labels = tuple(each for each in found.labels if each[0] not in own)
        return Alert(
            identity=Fingerprint(found.check, found.rule, labels),
            severity=found.severity,
            since=found.since,
            fired=found.since,
            summary=found.summary,
            kind=check.kind.name,
            target=check.table.target,
            region=self.pipeline.config.region,
            runbook="",
            labels=tuple(own.items()),
        )

    async def _say(self, names: Sequence[str]) -> None:
        """That what was sent before is not known any more."""
        text = f"What was stored is lost. Incidents may have been left open at {', '.join(names)}."
        logger.warning("%s", text)
        self.notice = text
        note = left_open(text, self.pipeline.config.region, self.now())
        deliveries = [Delivery(each, note, due=note.at) for each in self.pipeline.config.notifiers]
        await self.outbox.commit({}, deliveries)
        self.on_news()


def _memory_of(found: Sequence[OpenAlert]) -> dict[str, str]:
    """What a notifier would remember of an incident: the lists of its alerts, joined."""
    names = {name for each in found for name in each.memory}
    return {
        name: json.dumps([one for each in found for one in json.loads(each.memory[name])])
        for name in sorted(names)
    }


def _by_key(found: Sequence[OpenAlert], groups: Mapping[str, str]) -> dict[str, list[OpenAlert]]:
    """What is open by incident; of a service that keeps no keys, by the group of its check."""
    result: dict[str, list[OpenAlert]] = {}
    for each in found:
        result.setdefault(each.key or groups.get(each.check, each.check), []).append(each)
    return result
