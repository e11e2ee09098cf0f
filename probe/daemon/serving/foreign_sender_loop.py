"""Asks receivers whether other clusters send to them under the same keys, while incidents last."""

import asyncio
import random

from alerts.manager import AlertManager
from alerts.notifier import Attributing
from probe.daemon.serving.receiver_queries import ReceiverQueries

# Seconds between two queries, at random: others post to an Alertmanager once a minute, and the
# last one to post is all that it shows.
MIN_SECONDS, MAX_SECONDS = 20.0, 50.0


class ForeignSenderLoop:
    """Asks the receivers that say who sends to them."""

    def __init__(self, alerts: AlertManager) -> None:
        self._alerts = alerts
        self._queries = ReceiverQueries("who sends to it")

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
                    query = notifier.senders(self._alerts.sender_regions, groups)
                    found = await self._queries.answer(notifier.name, query)
                    self._alerts.note_senders(notifier.name, found)
