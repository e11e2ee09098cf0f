"""Who has acknowledged an incident at a receiver, for the page, the API and the incident."""

import asyncio
from collections.abc import Callable

from alerts.manager import AlertManager
from alerts.model import Acknowledged
from alerts.notifier import Acknowledging
from probe.daemon.serving.receiver_queries import ReceiverQueries
from probe.history import History
from probe.history.incidents.model import Acknowledgement, Incident
from probe.history.incidents.store import IncidentHistory

# Asked so often while an incident lasts, and not at all without one.
POLL_SECONDS = 30.0


class AcknowledgementLoop:
    """Asks the receivers that know. ``history`` is None until it is open."""

    def __init__(self, alerts: AlertManager, history: Callable[[], History | None]) -> None:
        self._alerts, self._history = alerts, history
        self._known: set[tuple[str, Acknowledgement]] = set()
        self._queries = ReceiverQueries("who has acknowledged")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(POLL_SECONDS)

    async def exchange(self) -> None:
        """Ask once, and store what is new."""
        incidents = {each.key: each for each in self._alerts.pipeline.recorder.open}
        open_ids = {each.id for each in incidents.values()}
        self._known = {each for each in self._known if each[0] in open_ids}
        if not incidents:
            return
        for notifier in self._alerts.pipeline.config.notifiers.values():
            if isinstance(notifier, Acknowledging) and notifier.can_query:
                query = notifier.acknowledged(sorted(incidents))
                for found in await self._queries.answer(notifier.name, query):
                    await self._keep(incidents[found.key], found, notifier.name)

    async def _keep(self, incident: Incident, found: Acknowledged, receiver: str) -> None:
        history = self._history()
        entry = Acknowledgement(found.at, found.by, f"at {receiver}")
        if history is None or (incident.id, entry) in self._known:
            return
        if await IncidentHistory(history).acknowledge(incident.id, entry):
            self._known.add((incident.id, entry))
