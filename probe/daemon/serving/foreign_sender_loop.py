"""Asks receivers whether other clusters send to them under the same keys, while incidents last."""

import asyncio
import logging
import random
from collections.abc import Sequence

from alerts.manager import AlertManager
from alerts.model import NotifyError
from alerts.notifier import Attributing
from alerts.senders.mark import SentBy

logger = logging.getLogger(__name__)

# Seconds between two queries, at random: others post to an Alertmanager once a minute, and the
# last one to post is all that it shows.
MIN_SECONDS, MAX_SECONDS = 20.0, 50.0


class ForeignSenderLoop:
    """Asks the receivers that say who sends to them."""

    def __init__(self, alerts: AlertManager) -> None:
        self._alerts = alerts
        self._failing: dict[str, str] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(random.uniform(MIN_SECONDS, MAX_SECONDS))
            await self.exchange()

    async def exchange(self) -> None:
        """Ask once."""
        for notifier in self._alerts.pipeline.config.notifiers.values():
            if isinstance(notifier, Attributing) and notifier.can_query:
                groups = sorted(self._alerts.open_at(notifier.name))
                if groups:
                    self._alerts.note_senders(notifier.name, await self._query(notifier, groups))

    async def _query(self, notifier: Attributing, groups: Sequence[str]) -> Sequence[SentBy]:
        try:
            found = await notifier.senders(self._alerts.sender_regions, groups)
        except NotifyError as error:
            if self._failing.get(notifier.name) != error.reason:
                logger.warning("%s can't be asked who sends to it: %s", notifier.name, error.reason)
            self._failing[notifier.name] = error.reason
            return ()
        self._failing.pop(notifier.name, None)
        return found
