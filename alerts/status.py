"""The state of alerting, for the status page, the metrics and the probe's own alerts."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alerts.cluster.cluster import Cluster
from alerts.model import Alert, Fingerprint, Severity, Silence
from alerts.notification.notification_log import Notified
from alerts.notification.receiver_queue import ReceiverHealth
from alerts.notification.sender import Dispatcher
from alerts.outbox.outbox import Outbox
from alerts.outbox.outbox_state import OutboxState
from alerts.pipeline import Pipeline
from alerts.reconciliation import Reconciliation
from alerts.senders.foreign_senders import ForeignSenders
from alerts.senders.mark import SenderMark, SentBy
from alerts.silence.maintenance_window import Window
from alerts.silence.stored_silences import StoredSilences
from alerts.state.send_gate import is_held_back
from probe.core.model import Unit
from probe.report.text.units import show


class AlertingStatus:
    """A read-only view of alerting."""

    def __init__(
        self,
        pipeline: Pipeline,
        cluster: Cluster,
        folder: Path | None,
        now: Callable[[], float],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.pipeline, self._cluster = pipeline, cluster
        self._folder, self._now, self._clock = folder, now, clock
        self._flushed_at, self._wall = clock(), wall
        self.foreign_senders = ForeignSenders(wall())
        self._silences = StoredSilences(wall, pipeline.take_renamed)
        self._outbox: Outbox | None = None
        self._dispatcher: Dispatcher | None = None
        self._reconciliation: Reconciliation | None = None

    @property
    def firing(self) -> list[Alert]:
        """Everything that fires, notified of or not."""
        return self.pipeline.firing

    def is_recovering(self, check: str) -> bool:
        """Whether a check works again while its alert still fires."""
        return self.pipeline.alerts.is_recovering(check)

    @property
    def counts(self) -> dict[str, int]:
        """How many alerts fire, by severity."""
        found = [alert.severity for alert in self.firing]
        return {severity.value: found.count(severity) for severity in Severity}

    @property
    def silences(self) -> list[Silence]:
        """Silences that have not ended."""
        return self._silences.current

    @property
    def windows(self) -> list[Window]:
        """Maintenance windows that are open."""
        return self.pipeline.suppression.windows(self._now())

    @property
    def waiting(self) -> int:
        """How many notifications are pending."""
        return self._outbox.state.waiting if self._outbox else 0

    @property
    def refused(self) -> int:
        """How many messages were refused for good by notifiers that have accepted none since."""
        return sum(each.refused for each in self.delivery.values())

    @property
    def delivery(self) -> Mapping[str, ReceiverHealth]:
        """The health of each notifier."""
        return self._dispatcher.health if self._dispatcher else {}

    @property
    def waiting_by_notifier(self) -> Mapping[str, int]:
        """How many messages wait for each notifier, without those that are held back because what
        they say is suppressed now."""
        waiting = self._outbox.waiting_now() if self._outbox else []
        is_suppressed = self.pipeline.suppression.predicate_at(self._now())
        return Counter(
            each.notifier for each in waiting if not is_held_back(each.message, is_suppressed)
        )

    @property
    def state(self) -> OutboxState | None:
        """The state of the outbox; None before it is open."""
        return self._outbox.state if self._outbox else None

    @property
    def flushed_for(self) -> float:
        """How many seconds ago everything was last brought up to date."""
        return self._clock() - self._flushed_at

    @property
    def problem(self) -> str:
        """Why messages are not stored on disk, for people; empty if they are."""
        return self._outbox.state.problem if self._outbox and self._folder else ""

    @property
    def left_open(self) -> str:
        """What may be open at receivers since before a start that found nothing stored, for
        people; empty if nothing is known to be."""
        return self._reconciliation.notice.strip() if self._reconciliation else ""

    @property
    def cluster(self) -> Cluster:
        """The other probes, and the quorum state of alerts."""
        return self._cluster

    @property
    def sender_mark(self) -> str:
        """The mark of messages that are sent now."""
        region = self.pipeline.config.region
        peers = self._cluster.membership.digest
        return str(SenderMark(self._cluster.id, region, peers, at=self._wall()))

    @property
    def sender_regions(self) -> Sequence[str]:
        """The regions of alerts as they are sent: the probes share those without one."""
        region = self.pipeline.config.region
        return ("", region) if self._cluster.has_peers else (region,)

    def open_at(self, notifier: str) -> set[str]:
        """The keys of incidents that a receiver was sent and that are not resolved there."""
        return {key for name, key in self.pipeline.group_store.views if name == notifier}

    def note_senders(self, notifier: str, found: Sequence[SentBy]) -> None:
        """A receiver has said who sends to it."""
        known = self._cluster.membership.known
        self.foreign_senders.update(notifier, found, known, self._wall())

    def suppressed_by(self, alert: Alert) -> Window | Silence | None:
        """What keeps an alert from being sent now."""
        return self.pipeline.suppression.suppressed_by(alert, self._now())

    def notified(self) -> Callable[[Alert], str]:
        """Says of any alert whether people were notified of it, in words; what waits is looked up
        once."""
        now, undelivered = self._now(), dict[Fingerprint, list[str]]()
        for each in self._outbox.waiting_now() if self._outbox else []:
            waits = show(max(now - each.message.at, 0.0), Unit.SECONDS)
            for identity in {one.identity for one in each.message.firing} if each.error else ():
                text = f"not delivered to {each.notifier} for {waits}: {each.error}"
                undelivered.setdefault(identity, []).append(text)
        store = self.pipeline.group_store
        notified = Notified(store.log, store.routes)
        return lambda alert: "; ".join(undelivered.get(alert.identity, ())) or notified(alert)
