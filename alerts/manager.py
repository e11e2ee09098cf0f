"""All of alerting, put together: results in, notifications out, durably.

Results only touch state in memory, so probing never waits for anything here. A task of its own
flushes the pipeline, and stores states and messages in one transaction; the dispatcher sends them.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from alerts.cluster.cluster import Cluster
from alerts.cluster.cluster_groups import local_state
from alerts.cluster.membership.peers_plan import ALONE, PeersPlan
from alerts.cluster.protocol.messages import InvalidMessage, read_query
from alerts.config import AlertingConfig
from alerts.flush import log_events, prepare
from alerts.incident_history.delivery import follow
from alerts.model import Delivery, Silence
from alerts.notification.notification_log import Key
from alerts.notification.route import warn_of_unrouted
from alerts.notification.sender import Dispatcher
from alerts.notifiers import NOTIFIERS
from alerts.outbox.outbox import Outbox
from alerts.outbox.stored_times import ClockReading, StoredClock
from alerts.own_alerts import OwnProblem
from alerts.pipeline import Pipeline
from alerts.receiver_notes import ReceiverNotes
from alerts.reconciliation import Reconciliation
from alerts.recovery import restore
from alerts.state.send_gate import SendGate
from alerts.status import AlertingStatus
from probe.core.kind import Check
from probe.core.model import Evaluation, Result
from probe.storage.replica import STALLED

logger = logging.getLogger(__name__)

# Silences are made by another process; this is how soon they take effect.
SILENCE_POLL_SECONDS = 10.0
# Between two flushes; a message is never later than that.
MIN_FLUSH_INTERVAL = 0.2
# Between checks that run for a confirmation: together they would meet a TURN user's quota.
SPACING_SECONDS = 0.25
OWN_NETWORK_DOWN = "every reference fails: own network down, targets count as unknown"
# For a message that is being sent when the process ends.
STOP_SECONDS = 2.0


class AlertManager(AlertingStatus):
    """Alerting while the daemon runs. ``now`` is the wall clock, steadied: it must not jump while
    the process lives; ``wall`` is the wall clock as it is, ``clock`` the monotonic one, ``stored``
    that of stored times. ``journals`` are the folders of the journal of open incidents.
    ``run_soon`` runs a check in so many seconds."""

    def __init__(
        self,
        config: AlertingConfig,
        folder: Path | None,
        *,
        peers: PeersPlan = ALONE,
        journals: Sequence[Path] = (),
        now: Callable[[], float] = time.time,
        wall: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        stored: Callable[[], ClockReading] | None = None,
    ) -> None:
        wall, self._journals, self._woken = wall or now, journals, asyncio.Event()
        self._stored = stored or StoredClock(wall, clock)
        cluster = Cluster(peers, config.region, now=now, on_change=self._woken.set)
        pipeline = Pipeline(
            config, cluster if peers.entries else None, lambda at: at + self._wall() - now()
        )
        super().__init__(pipeline, cluster, folder, now, clock, wall)
        self.run_soon: Callable[[str, float], None] = lambda name, seconds: None
        self._gate = SendGate(
            now,
            knows=self.pipeline.knows,
            is_seen_bad=self.pipeline.alerts.is_seen_bad,
            others_answered=lambda: self._cluster.is_ready,
            is_up_to_date=self._cluster.roles.is_up_to_date,
            run_soon=lambda check: self.run_soon(check, 0.0),
            wall=wall,
            suppression=lambda: self.pipeline.suppression.predicate_at(self._now()),
            forgets=self.pipeline.config.forgets,
        )
        self._store_was_empty, self._has_run = False, False
        self.ran_before: Callable[[], bool] = lambda: False

    async def answer(self, body: bytes) -> bytes | None:
        """The answer to another probe; None for an invalid query."""
        try:
            query = read_query(body)
        except InvalidMessage:
            return None
        relayed = await self._cluster.relay(query)
        waiting = await self._outbox.waiting() if self._outbox else []
        # A consistent snapshot: a result that has just come counts.
        suspected = self.pipeline.alerts.suspected(self._now())
        groups, ids = self.pipeline.groups, self.pipeline.recorder.open_ids
        own = local_state(self.pipeline.group_store, groups, waiting, suspected, ids)
        fails = self.pipeline.own_network_fails
        return self._cluster.answer(query, own, own_network_fails=fails, relayed=relayed)

    def set_own(self, problems: Mapping[str, OwnProblem]) -> None:
        """Present problems of the probe itself, by rule."""
        if self.pipeline.set_own(problems, self._now()):
            self._woken.set()

    def reload(self, config: AlertingConfig) -> None:
        """Routes, windows and addresses are these from now on; notifiers stay those of the
        start, for pending messages are addressed to them."""
        self.pipeline.config = self.pipeline.config.reloaded(config)
        warn_of_unrouted(self.pipeline.group_store.routes)
        self._woken.set()

    async def read_silences(self) -> list[Silence]:
        """Silences that have not ended, read again: other processes write the file too."""
        return await self._silences.read()

    async def add_silence(self, silence: Silence) -> str:
        """Suppress notifications from now on; why a restart loses it, empty if it doesn't."""
        stored = self._outbox is not None and await self._outbox.add_silence(silence)
        self._woken.set()
        return "" if stored or self._folder is None else self.problem or STALLED

    async def expire_silence(self, name: str) -> bool:
        """End a silence; False if there is none of that name."""
        ended = self._outbox is not None and await self._outbox.end_silence(name, self._wall())
        self._woken.set()
        return ended

    async def open(self) -> None:
        """Restore the stored state. Call it before results come."""
        for kind in NOTIFIERS:
            if kind.name in self.pipeline.config.notifiers:
                await asyncio.to_thread(kind.load)
        self._outbox = await Outbox.open(
            self._folder, now=self._wall, journals=self._journals, reading=self._stored
        )
        self._silences.connect(self._outbox)
        stored = await restore(self.pipeline, self._outbox)
        was_empty = not (stored or self._outbox.journal_is_whole)
        among, on_change = self._cluster.has_peers, self._on_found_open
        warn_of_unrouted(self.pipeline.group_store.routes)
        lost = self._outbox.has_lost_all or not self._outbox.state.persistent
        self._store_was_empty = was_empty and lost
        if was_empty:
            had_stored = self._folder is not None and (self._store_was_empty or self.ran_before())
            self._reconciliation = Reconciliation(
                self.pipeline, self._outbox, self._now, had_stored, among, on_change=on_change
            )
        await self.read_silences()
        notes = ReceiverNotes(self.pipeline, self._outbox, self._now, self._wake_dispatcher)
        self._dispatcher = Dispatcher(
            self._outbox,
            self.pipeline.config.notifiers,
            clock=self._clock,
            now=self._now,
            wall=self._wall,
            random=random.Random(),
            on_refused=notes.on_refused,
            on_undelivered=notes.on_undelivered,
            on_delivered=self._on_delivered,
            on_rejected=self._on_rejected,
            on_dropped=self.pipeline.not_sent,
            hold=self._gate.hold,
            mark=lambda: self.sender_mark,
            once_connected=self._cluster.roles.once_connected if among else None,
        )

    @property
    def jobs(self) -> Mapping[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What runs until cancelled, once it is open: evaluating, sending, asking others."""
        if self._dispatcher is None:
            raise RuntimeError("open it first")
        jobs = {"alerts": self._flush_on, "notifications": self._dispatcher.run}
        if self._reconciliation is not None:
            jobs["inquiry"] = self._reconciliation.run
        return {**jobs, "peers": self._cluster.run} if self._cluster.has_peers else jobs

    async def close(self) -> None:
        """Store what is due, and close; a message in progress gets a moment."""
        if self._dispatcher is not None:
            await self._flush()
            await self._dispatcher.stop(STOP_SECONDS)
            await self._flush()
        if self._outbox is not None:
            await self._outbox.close()

    def set_checks(self, checks: Sequence[Check]) -> None:
        """These are the checks from now on."""
        self.pipeline.set_checks(checks, self._now())
        if self._reconciliation is not None:
            self._reconciliation.checks = {check.name: check for check in checks}
        self._woken.set()

    def handle_result(
        self, check: Check, result: Result, evaluations: Sequence[Evaluation], *, backed_up: bool
    ) -> None:
        """A check has a new result."""
        self._gate.add_result(check.name, now := self._now())
        was_idle = self.pipeline.is_idle
        self.pipeline.handle_result(check, result, evaluations, now, backed_up=backed_up)
        if not (was_idle and self.pipeline.is_idle):
            self._woken.set()  # also without an event: a timer may have been set or dropped

    def suppress_own_network(self, own_network_fails: bool) -> None:
        """Whether the probe's own network fails: then no target counts as failing, and
        timers of what failed before stand still."""
        if own_network_fails == self.pipeline.own_network_fails:
            return
        logger.warning("%s", OWN_NETWORK_DOWN if own_network_fails else "references answer again")
        self.pipeline.own_network_fails = own_network_fails
        self.pipeline.alerts.resume(self._now(), 0.0)  # what could not be measured is not missing
        self._woken.set()

    def first_round_done(self) -> None:
        """Every check has run once: what works is resolved where it may have been left open."""
        self._has_run = True
        if self._store_was_empty:
            self._store_was_empty = False
            self.pipeline.resolve_unknown()
        self._on_found_open()

    def _on_found_open(self) -> None:
        """What a receiver holds open is resolved there if it works."""
        if self._has_run and self._reconciliation is not None:
            self.pipeline.resolve_unknown(self._reconciliation.open_keys)
            self._reconciliation.open_keys.clear()
        self._wake_dispatcher()
        self._woken.set()

    async def _flush_on(self) -> None:
        """Flush when something has happened or is due, not for every result: many come at once."""
        self._gate.begin()
        self._cluster.resume()
        while True:
            self._woken.clear()
            wait = await self._flush()
            await asyncio.sleep(MIN_FLUSH_INTERVAL)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def _flush(self) -> float:
        """Bring everything up to date; seconds until there is more to do."""
        if self._outbox is None:
            return SILENCE_POLL_SECONDS
        if (skipped := self._gate.alive()) is not None:
            self._cluster.resume()
            self.pipeline.alerts.resume(self._now(), skipped)
        now = await prepare(self.pipeline, self._now)
        await self.read_silences()
        await follow(self.pipeline.recorder, self._outbox, now)
        if self._outbox.had_late():
            self._store_was_empty = not await restore(self.pipeline, self._outbox)
            self._wake_dispatcher()  # messages may have come with it
        if self._cluster.has_peers:
            self.pipeline.waiting = self._outbox.waiting_now()
        found = self.pipeline.flush(now, self._silences.current)
        log_events(found.events)
        await self._withdraw(self._dispatcher or self._outbox, found.withdrawn)
        for place, name in enumerate(sorted(self.pipeline.checks_to_run())):
            self.run_soon(name, place * SPACING_SECONDS)
        if found.documents or found.deliveries:
            await self._outbox.commit(found.documents, found.deliveries)
        await self._outbox.note_clock()
        if found.deliveries:
            self._wake_dispatcher()
        self._flushed_at = self._clock()
        soonest = self.pipeline.next_time(now)
        wait = SILENCE_POLL_SECONDS if soonest is None else soonest - now
        return min(max(wait, 0.01), SILENCE_POLL_SECONDS)

    async def _withdraw(
        self, queue: Dispatcher | Outbox, withdrawn: Mapping[Key, Delivery | None]
    ) -> None:
        for key, last in withdrawn.items():
            await queue.withdraw(*key, last.number if last else None)
        if self._cluster.has_peers:
            self._cluster.roles.settled()

    def _on_delivered(self, delivery: Delivery) -> None:
        self.pipeline.delivered(delivery, self._now())
        self._woken.set()

    def _on_rejected(self, delivery: Delivery) -> None:
        self.pipeline.refused(delivery, self._now())
        self._woken.set()

    def _wake_dispatcher(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.wake()
