"""All of alerting, put together: results in, messages out, nothing lost on the way.

Results only touch state in memory, so probing never waits for anything here. A task of its
own settles: it lets time pass for the alerts, has the desk say what is to be told, and
stores states and messages in one transaction. The dispatcher sends from there.
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from alerts.cluster.cluster import Cluster
from alerts.cluster.company import ask_for, incidents_among, overtaken
from alerts.cluster.members import ALONE, PeersPlan
from alerts.cluster.protocol import InvalidMessage, read_question
from alerts.cluster.responder import LocalState, openings_of, undelivered_of
from alerts.config import AlertingConfig
from alerts.model import Alert, Delivery, Severity, Silence
from alerts.notification.alert_groups import incidents_of
from alerts.notification.grouping import AlertGroup, GroupStore, MessageContext
from alerts.notification.meta_messages import log, refusal, resolve_after_restart
from alerts.notification.recent_changes import Lately
from alerts.notification.route import Routes
from alerts.notification.send_gate import SendGate
from alerts.notification.sender import Dispatcher
from alerts.outbox.outbox import Outbox
from alerts.silence.maintenance_window import Window, active, next_change, suppressed_by
from alerts.state.alert_store import AlertStore, Event
from alerts.state.machine import TransitionType
from probe.core.kind import Check
from probe.core.model import Evaluation, Result

logger = logging.getLogger(__name__)

# Alerts that ended so long ago are no part of any incident any more.
OVER_SECONDS, MOST_OVER = 86400.0, 200
# Silences are made by another process; this is how soon they take effect.
SILENCE_POLL_SECONDS = 10.0
# Between two looks at everything; a message is never later than that.
BREATH_SECONDS = 0.2
# For a message that is being sent when the process ends.
STOP_SECONDS = 2.0


class AlertManager:
    """Alerting for as long as the daemon runs. ``now`` is the wall clock, steadied: it must
    not jump while the process lives. ``clock`` is the monotonic one, ``peers`` the others."""

    def __init__(
        self,
        plan: AlertingConfig,
        folder: Path | None,
        *,
        peers: PeersPlan = ALONE,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._folder, self._now, self._clock = plan, folder, now, clock
        self._keeper, self._lately = AlertStore(plan.region), Lately()
        self._fleet = Cluster(peers, plan.region, now=now, on_news=self._wake)
        routes = Routes(plan.routes, plan.own_routes)
        self._desk = (
            GroupStore(routes, cast=self._fleet.cast) if peers.entries else GroupStore(routes)
        )
        self._gate = SendGate(
            now,
            looked_at=self._fleet.looked_at,
            is_seen_bad=self._keeper.is_seen_bad,
            has_asked=lambda: self._fleet.is_ready,
            run_soon=lambda check: self._fleet.run_soon(check),
        )
        self._subjects: dict[str, str] = {}
        self._over: deque[Alert] = deque(maxlen=MOST_OVER)
        self._silences: list[Silence] = []
        self._woken = asyncio.Event()
        self._excused = False
        self._outbox: Outbox | None = None
        self._dispatcher: Dispatcher | None = None
        self._clean_slate = False
        self._forgotten: set[str] = set()

    @property
    def firing(self) -> list[Alert]:
        """Everything that burns, told or not."""
        return self._keeper.firing

    @property
    def counts(self) -> dict[str, int]:
        """How many alerts burn, by severity."""
        found = [alert.severity for alert in self._keeper.firing]
        return {severity.value: found.count(severity) for severity in Severity}

    @property
    def silences(self) -> list[Silence]:
        """Silences that have not ended."""
        return list(self._silences)

    @property
    def windows(self) -> list[Window]:
        """Maintenance windows that are open."""
        return active(self._plan.windows, self._now())

    @property
    def waiting(self) -> int:
        """How many messages have not been taken yet."""
        return self._outbox.state.waiting if self._outbox else 0

    @property
    def refused(self) -> int:
        """How many messages were refused for good."""
        return self._outbox.state.refused if self._outbox else 0

    @property
    def problem(self) -> str:
        """What is wrong with keeping messages, for people; empty if nothing is."""
        return self._outbox.state.problem if self._outbox and self._folder else ""

    @property
    def fleet(self) -> Cluster:
        """The other probes, and how alerts stand among them."""
        return self._fleet

    async def answer(self, question: bytes) -> bytes | None:
        """What another probe wants to know; None for what is no question."""
        try:
            asked = read_question(question)
        except InvalidMessage:
            return None
        relayed = await self._fleet.relay(asked)
        waiting = await self._outbox.waiting() if self._outbox else []
        # All of one moment: a result that came in this very instant counts.
        own = LocalState(
            self._subjects,
            self._desk.views,
            undelivered_of(waiting),
            self._desk.ended,
            troubles=self._keeper.troubles(self._now()),
            openings=openings_of(waiting),
        )
        return self._fleet.answer(asked, own, excused=self._excused, relayed=relayed)

    def muted(self, alert: Alert) -> Window | Silence | None:
        """What keeps an alert from being told now."""
        return suppressed_by(alert, self.windows, self._silences, self._now())

    def reload(self, plan: AlertingConfig) -> None:
        """Routes, windows and addresses are these from now on; notifiers stay those of the
        start, for what waits is addressed to them."""
        known = self._plan.notifiers
        if plan.notifiers.keys() != known.keys():
            logger.warning("a notifier that comes or goes takes effect after a restart")
        routes = tuple(route for route in plan.routes if route.name in known)
        self._plan = replace(plan, notifiers=known, routes=routes)
        self._desk.routes = Routes(routes, plan.own_routes)
        self._say_who_hears_nothing()
        self._woken.set()

    async def open(self) -> None:
        """Take up what was kept. Call it before results come."""
        self._outbox = await Outbox.open(self._folder, now=self._now)
        documents = await self._outbox.states()
        self._keeper.restore(documents)
        self._desk.restore(documents)
        self._say_who_hears_nothing()
        self._clean_slate = not documents and not self._outbox.state.persistent
        self._silences = await self._outbox.silences(self._now())
        self._dispatcher = Dispatcher(
            self._outbox,
            self._plan.notifiers,
            clock=self._clock,
            now=self._now,
            random=random.Random(),
            on_refused=self._tell_refusal,
            hold=self._gate.hold,
            on_dropped=self._not_sent,
        )

    async def run(self) -> None:
        """Settle and send until cancelled."""
        if self._dispatcher is None:
            raise RuntimeError("open it first")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatcher.run())
            group.create_task(self._settle_on())
            if self._fleet.asks_others:
                group.create_task(self._fleet.run())

    async def close(self) -> None:
        """Store what is due, and close; a message under way gets a moment."""
        if self._dispatcher is not None:
            await self._settle()
            await self._dispatcher.stop(STOP_SECONDS)
        if self._outbox is not None:
            await self._outbox.close()

    def set_checks(self, checks: Sequence[Check]) -> None:
        """These are the checks from now on."""
        self._subjects |= {check.name: check.table.alert_group for check in checks}
        self._fleet.watch(checks, self._subjects)
        self._log(self._keeper.set_checks(checks, self._now()))
        self._woken.set()

    def handle_result(
        self,
        check: Check,
        result: Result,
        evaluations: Sequence[Evaluation],
        *,
        backed_up: bool,
    ) -> None:
        """A check has a new result."""
        now = self._now()
        self._lately.note(check.name, result.facts, now)
        self._fleet.note(check, result)
        if self._excused:
            return
        events = self._keeper.update(check, result, evaluations, now, backed_up=backed_up)
        self._log(events)
        # Also without an event: a timer may have been set or dropped.
        self._woken.set()

    def suppress_own_network(self, excused: bool) -> None:
        """Whether it is our own network that fails: then nothing is held against a target,
        and no time passes for what has failed before."""
        if excused and not self._excused:
            logger.warning("every reference fails: it is our own network, nobody is blamed")
        elif self._excused and not excused:
            logger.warning("references are back")
        self._excused = excused
        self._woken.set()

    def first_round_done(self) -> None:
        """Every check has run once. What was forgotten at the restart, for want of a disk,
        may be open at a pager: whatever is well is resolved there."""
        if self._clean_slate:
            self._clean_slate = False
            self._forgotten = set(self._subjects.values())
            self._woken.set()

    async def _settle_on(self) -> None:
        """Settle when something has happened or is due, yet not for every single result: many
        come in a moment."""
        while True:
            self._woken.clear()
            wait = await self._settle()
            await asyncio.sleep(BREATH_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def _settle(self) -> float:
        """Bring everything up to date; seconds until there is more to do."""
        if self._outbox is None:
            return SILENCE_POLL_SECONDS
        now = self._now()
        if not self._gate.alive():
            self._fleet.resume()
        self._silences = await self._outbox.silences(now)
        if not self._excused:
            self._log(self._keeper.pass_time(now))
        await self._attend_to_others(self._outbox, now)
        incidents = self._incidents(now)
        deliveries = self._desk.settle(incidents, now, self._setting(now))
        deliveries += self._resolve_forgotten()
        while self._desk.withdrawn:
            await self._withdraw(self._outbox, self._desk.withdrawn.pop())
        states = {**self._keeper.documents(), **self._desk.documents()}
        if states or deliveries:
            await self._outbox.commit(states, deliveries)
        if deliveries:
            self._wake_dispatcher()
        return self._until_next(incidents, now)

    async def _attend_to_others(self, outbox: Outbox, now: float) -> None:
        """Say what the other probes are to be asked for; withdraw what they have overtaken."""
        if not self._fleet.asks_others:
            return
        waiting = await outbox.waiting() if outbox.state.waiting else []
        troubles, views = self._keeper.troubles(now), self._desk.views
        ask_for(
            self._fleet, troubles, views, waiting, self._subjects, self._forgotten, self._desk.ended
        )
        by_key = {route.name for route in self._plan.routes if route.deduplicates}
        for key in overtaken(self._fleet, waiting, by_key):
            await self._withdraw(outbox, key)

    async def _withdraw(self, outbox: Outbox, key: tuple[str, str]) -> None:
        """What waits for a notifier under a key is another probe's to send."""
        await outbox.withdraw(*key)
        self._not_sent(key)

    def _not_sent(self, key: tuple[str, str]) -> None:
        """An end that the receiver has not been sent is not claimed to other probes."""
        self._desk.ended.pop(key, None)

    def _setting(self, now: float) -> MessageContext:
        plan = self._plan
        changes = tuple(self._lately.changes(now))
        return MessageContext(plan.region, plan.public_url, plan.grafana_url, changes)

    def _until_next(self, incidents: Sequence[AlertGroup], now: float) -> float:
        times = [
            None if self._excused else self._keeper.next_time(),
            self._desk.next_time(incidents, now),
            self._fleet.next_time(self._keeper.firing),
            next_change(self._plan.windows, self._silences, now),
        ]
        soonest = min(
            (time for time in times if time is not None), default=now + SILENCE_POLL_SECONDS
        )
        return min(max(soonest - now, 0.01), SILENCE_POLL_SECONDS)

    def _incidents(self, now: float) -> list[AlertGroup]:
        while self._over and now - (self._over[0].ended or 0.0) > OVER_SECONDS:
            self._over.popleft()
        windows = active(self._plan.windows, now)

        def is_muted(alert: Alert) -> bool:
            return suppressed_by(alert, windows, self._silences, now) is not None

        if self._fleet.asks_others:
            incidents = incidents_among(
                self._fleet,
                self._keeper.firing,
                self._over,
                lambda check: self._subjects.get(check, check),
                is_muted,
                told=[subject for _, subject in self._desk.views],
                excused=self._excused,
            )
        else:
            firing = self._keeper.firing
            incidents = incidents_of(firing, self._over, self._subject_of, is_muted)
        pending = self._keeper.pending
        return [
            replace(
                each,
                affected=tuple(
                    name for name in pending if self._subjects.get(name) == each.subject
                ),
            )
            for each in incidents
        ]

    def _subject_of(self, alert: Alert) -> str:
        return self._subjects.get(alert.identity.check, alert.identity.check)

    def _log(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.transition.turn is TransitionType.RESOLVED:
                self._over.append(event.alert)
            log(event)

    def _resolve_forgotten(self) -> list[Delivery]:
        """One resolve for each subject that is well; what burns gets its own in its time."""
        if not self._fleet.is_ready:
            return []
        burning = {self._subject_of(alert) for alert in self._keeper.firing}
        burning |= set(filter(self._fleet.is_open_elsewhere, self._forgotten))
        pending = {self._subjects.get(name, name) for name in self._keeper.pending}
        self._forgotten -= burning
        well = sorted(self._forgotten - pending)
        self._forgotten -= set(well)
        now = self._now()
        pagers = [
            name for name, each in self._plan.notifiers.items() if not each.sends_missed_incidents
        ]
        return [
            Delivery(name, resolve_after_restart(subject, self._plan.region, now), due=now)
            for subject in well
            for name in pagers
        ]

    def _say_who_hears_nothing(self) -> None:
        for severity in self._desk.routes.unrouted_severities:
            logger.warning(
                "nobody is told of what is %s: configure a notifier, or a [[route]]", severity
            )

    async def _tell_refusal(self, delivery: Delivery, reason: str) -> None:
        """A notifier that refuses for good is told of through the others."""
        if self._outbox is None:
            return
        now = self._now()
        note = refusal(delivery, reason, self._plan.region, now)
        others = [name for name in self._plan.notifiers if name != delivery.notifier]
        await self._outbox.commit({}, [Delivery(name, note, due=now) for name in others])
        self._wake_dispatcher()

    def _wake(self) -> None:
        self._woken.set()

    def _wake_dispatcher(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.wake()
