"""Markers of deployments for alerts, and changes that checks have noticed for history."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from alerts.manager import AlertManager
from alerts.notification.recent_changes import RECENT_SECONDS, Marker, RecentChanges
from probe.daemon.parts import DaemonState
from probe.daemon.serving.acknowledgement_loop import AcknowledgementLoop
from probe.daemon.serving.foreign_sender_loop import ForeignSenderLoop
from probe.history import History
from probe.history.incidents.model import Annotation
from probe.history.incidents.store import IncidentHistory, new_id

# Other processes write annotations too; this is how soon they are known.
POLL_SECONDS = 10.0
# What the probe has noticed itself stands in messages anyway.
NOTICED = frozenset({"version", "instance"})
# A short hash says enough.
_COMMIT_LETTERS = 12
# Messages of an incident that ended so long ago may still be on their way.
PAST_SECONDS = 2 * 86400.0


class AnnotationLoop:
    """Brings history and the recent changes of alerts together. ``now`` is the wall clock in
    seconds since 1970."""

    def __init__(self, changes: RecentChanges, now: Callable[[], float]) -> None:
        self._changes, self._now = changes, now
        self._incidents: IncidentHistory | None = None
        self._woken = asyncio.Event()

    def connect(self, incidents: IncidentHistory) -> None:
        """History is open."""
        self._incidents = incidents

    def wake(self) -> None:
        """An annotation was added."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            await self.exchange()
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    async def exchange(self) -> None:
        """Read markers, and write what was noticed."""
        if self._incidents is None:
            return
        noticed, self._changes.new = self._changes.new, []
        for each in noticed:
            await self._incidents.put_annotation(
                Annotation(new_id(each.at), each.at, each.text, each.fact, source=each.check)
            )
        now = self._now()
        found = await self._incidents.annotations(now - RECENT_SECONDS, now + POLL_SECONDS)
        self._changes.set_markers(
            [Marker(each.at, _text(each)) for each in found if each.kind not in NOTICED]
        )


def _text(annotation: Annotation) -> str:
    """``deploy v1.5.0 (a1b2c3d by eva)``."""
    commit = annotation.commit[:_COMMIT_LETTERS]
    author = f"by {annotation.author}" if annotation.author else ""
    about = " ".join(filter(None, (commit, author)))
    return f"{annotation.text} ({about})" if about else annotation.text


async def connect_incidents(
    history: History, alerts: AlertManager, annotations: AnnotationLoop, now: float
) -> None:
    """Write results and incidents to history from now on; those that are still open there are
    continued. ``now`` is in seconds since 1970."""
    history.begin()
    incidents = IncidentHistory(history)
    newest = await incidents.newest_by_key(now - PAST_SECONDS)
    alerts.pipeline.recorder.connect(incidents, await incidents.open(), newest)
    annotations.connect(incidents)


def incident_jobs(
    annotations: AnnotationLoop, alerts: AlertManager, state: DaemonState
) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
    """What keeps incidents up to date besides alerts: markers, who acknowledged them where, and who
    else sends to their receivers."""
    acknowledgements = AcknowledgementLoop(alerts, lambda: state.history)
    return {
        "annotations": annotations.run,
        "acknowledgements": acknowledgements.run,
        "foreign-senders": ForeignSenderLoop(alerts).run,
    }
