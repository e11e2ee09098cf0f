"""This probe among others: what it asks them, what it answers, and what comes of both.

Results and alerts are handed in, nothing here is stored: after a restart the first round
brings it all back. Asking runs in a task of its own, and nothing waits for it without a bound.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from msgspec.structs import replace

from alerts.cluster.agreement import Agreement
from alerts.cluster.decisions.quorum import QuorumState, Scope
from alerts.cluster.decisions.scoped_alert import ScopedAlert, local_group, seen_here
from alerts.cluster.membership import configuration
from alerts.cluster.membership.client import Post
from alerts.cluster.membership.configuration import SetupLog, SetupProblem, answering
from alerts.cluster.membership.member import PeersReading
from alerts.cluster.membership.members import Members
from alerts.cluster.membership.peers_plan import PeersPlan
from alerts.cluster.open_groups import OpenGroups
from alerts.cluster.protocol.messages import Query, RelayedAnswer, write
from alerts.cluster.protocol.query_planner import QueryPlanner
from alerts.cluster.protocol.responder import (
    LastResult,
    LocalMember,
    LocalState,
    build_answer,
    is_due,
)
from alerts.cluster.roles import Roles
from alerts.model import Alert, Delivery
from alerts.notification.notification_log import Key
from alerts.senders.membership import Membership
from alerts.state.suspected_alert import SuspectedAlert
from probe.core.kind import Check
from probe.core.model import Result, Status

# How often the others are asked: while something is suspected or a member is lost, and else.
SUSPECTED_INTERVAL_SECONDS, IDLE_INTERVAL_SECONDS = 3.0, 30.0
# Between two rounds, however much happens.
PAUSE_SECONDS = 0.5
# Asking takes less; without answers the probe goes on alone.
FIRST_ROUND_SECONDS = 10.0


class Cluster:
    """Makes of this probe's alerts what several probes send. ``now`` is steadied, ``wall`` the
    wall clock; ``run_soon`` lets a check run at once, ``on_change`` is called after each round,
    ``post`` asks."""

    def __init__(
        self,
        plan: PeersPlan,
        region: str,
        *,
        now: Callable[[], float],
        run_soon: Callable[[str], None] = lambda _: None,
        on_change: Callable[[], None] = lambda: None,
        post: Post | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.id, self._plan, self._region = secrets.token_hex(8), plan, region
        self._now, self._wall = now, wall
        self.has_peers = bool(plan.entries)
        self.run_soon, self.on_change, self.query_now = run_soon, on_change, asyncio.Event()
        self.peers = Members(plan, self.id, now, post, wall)
        self.agreement = Agreement(
            self.peers, region, now, self.result_at, lambda check: self.run_soon(check)
        )
        self.roles = Roles(self.peers, self.agreement, region, now, self.query_now.set)
        self.open_groups = OpenGroups(
            self.peers, region, now, lambda: self.is_ready, self.query_now.set
        )
        self._planner = QueryPlanner(self.id, region)
        self.membership = Membership(plan.entries, self.id, now)
        self.peers.on_late_answer = lambda: self.on_change()
        self._digest, self._checks = "", frozenset[str]()
        self._results: dict[str, LastResult] = {}
        self._suspected: list[SuspectedAlert] = []
        self._started_at = now()
        self._rounds, self._busy = 0, False
        self._setup_log = SetupLog()

    @property
    def is_ready(self) -> bool:
        """Whether the others have been asked since the start; bounded by FIRST_ROUND_SECONDS."""
        waited = self._now() - self._started_at
        return self._rounds > 0 or not self.has_peers or waited >= FIRST_ROUND_SECONDS

    @property
    def reading(self) -> PeersReading | None:
        """The state of the others; None if there are none to ask."""
        if not self.has_peers:
            return None
        scopes = [each.scope for each in self.agreement.quorum_states.values()]
        kinds, others = [each.kind for each in self.setup_problems], self.peers.others
        return PeersReading(
            self.peers.count - 1,
            len(self.peers.reachable),
            self.peers.failures,
            {scope.value: scopes.count(scope) for scope in Scope},
            {kind: kinds.count(kind) for kind in configuration.SETUP_KINDS},
            {each.name: each.offset for each in others if each.offset is not None},
        )

    @property
    def setup_problems(self) -> list[SetupProblem]:
        """What differs between the members' configurations, as far as it is known."""
        others = self.peers.reachable if self.has_peers else []
        strays = [SetupProblem("members", text) for text in self.membership.problems]
        return [*configuration.setup_problems(self._local_member(), others), *strays]

    def set_checks(self, checks: Iterable[Check], subjects: Mapping[str, str]) -> None:
        """These are the checks from now on, and the groups of their alerts."""
        checks = list(checks)
        self._checks = names = frozenset(check.name for check in checks)
        self._results = {name: result for name, result in self._results.items() if name in names}
        self._digest = configuration.plan_digest(checks, subjects)

    def note(self, check: Check, result: Result) -> None:
        """A check has a new result."""
        measured = result.status is not Status.UNKNOWN
        self._results[check.name] = LastResult(check, self._now(), measured)

    def result_at(self, check: str) -> float:
        """When a check last had a result; minus infinity for never."""
        result = self._results.get(check)
        return result.at if result else float("-inf")

    def resume(self) -> None:
        """The process was stopped for a while: what was known of the others is out of date."""
        self._rounds = 0
        self._started_at = self.open_groups.quorum_at = self._now()
        self.query_now.set()

    def set_suspected(
        self,
        suspected: Sequence[SuspectedAlert],
        busy: bool,
        groups: Collection[str] = (),
        undelivered: Collection[Key] = (),
        ended: Mapping[Key, float] = MappingProxyType({}),
    ) -> None:
        """These alerts are suspected now; ``busy``: something that was sent is not resolved
        yet. ``groups`` are those to ask for, ``undelivered`` have a pending message, ``ended``
        were resolved then."""
        known = {each.identity.check for each in self._suspected}
        self._suspected = sorted(suspected, key=lambda each: (not each.observed.sure, each.since))
        self.roles.undelivered, self.roles.ended = frozenset(undelivered), ended
        self._planner.groups = tuple(sorted(groups))
        new_checks = {each.identity.check for each in suspected} - known
        busy = busy or bool(suspected)
        if new_checks or (busy and not self._busy):
            self.query_now.set()
        self._busy = busy

    def scope_alerts(
        self,
        alerts: Iterable[Alert],
        subject_of: Callable[[Alert], str],
        *,
        own_network_fails: bool,
    ) -> list[ScopedAlert]:
        """Every alert that fires here as it is to be sent by now."""
        sure = {each.identity for each in self._suspected if each.observed.sure}
        # What has recovered here, or has no result since a restart, keeps its state.
        judged = sure if self.is_ready and not own_network_fails else set()
        return self.agreement.place(alerts, subject_of, judged)

    def scope_resolved(self, alert: Alert, subject: str) -> list[ScopedAlert]:
        """A resolved alert, in each group that it may have been sent in."""
        here = ScopedAlert(seen_here(alert, self._region), local_group(subject, self._region))
        return [ScopedAlert(replace(alert, region=""), subject), here]

    def quorum_state_of(self, alert: Alert) -> QuorumState | None:
        """The quorum state of an alert that fires here."""
        return self.agreement.quorum_states.get(alert.identity)

    def is_overtaken(self, delivery: Delivery, *, deduplicates: bool) -> bool:
        """Whether a message that waits is no longer true for the cluster."""
        is_open = self.open_groups.is_open_at_peer(delivery.message.key)
        return self.roles.is_overtaken(delivery, is_open=is_open, deduplicates=deduplicates)

    def answer(
        self,
        query: Query,
        own: LocalState,
        *,
        own_network_fails: bool,
        relayed: tuple[RelayedAnswer, ...] = (),
    ) -> bytes:
        """What another probe wants to know.

        A check of which it wants a newer result runs at once, unless it has just run.
        """
        now = self._now()
        self.membership.note_querier(query.asker, query.region)
        suspected = self._suspected if own.suspected is None else own.suspected
        known = {each.identity.check for each in suspected}
        for queried in query.asks:
            result = self._results.get(queried.check)
            if result and queried.check not in known and is_due(result, queried.younger, now):
                self.run_soon(queried.check)
        own = replace(own, checks=self._checks, shared=self.agreement.shared, suspected=suspected)
        # Without a working network it has no opinion on any check.
        answerable = query.model_copy(update={"asks": ()}) if own_network_fails else query
        answer = build_answer(answerable, self._local_member(), self._results, own, now)
        return write(answer.model_copy(update={"relayed": relayed}))

    async def relay(self, query: Query) -> tuple[RelayedAnswer, ...]:
        """What the others answer, for a probe that can't ask them: the task of a witness."""
        return await self.peers.relay(query) if query.relay and self._plan.witness else ()

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        try:
            while self.has_peers:
                self.query_now.clear()
                await self.query_members()
                self.on_change()
                await asyncio.sleep(PAUSE_SECONDS)
                is_unsettled = self._busy or self.peers.problems
                wait = SUSPECTED_INTERVAL_SECONDS if is_unsettled else IDLE_INTERVAL_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self.query_now.wait()
        finally:
            self.peers.cancel()

    async def query_members(self) -> None:
        """Ask every member once about what is suspected here."""
        began = self._now()
        queries = self._planner.next_round(self._suspected, self._now())
        self.peers.forget_all_but(*self._planner.wanted)
        await self.peers.query_members(queries)
        self._rounds, self.roles.round_began = self._rounds + 1, began
        self.roles.round_at = self._now()
        if self.peers.has_majority:
            self.open_groups.quorum_at = self._now()
        self.membership.note_round(
            map(answering, self.peers.reachable), all_answer=not self.peers.problems
        )
        self._setup_log.update(self.setup_problems)

    def _local_member(self) -> LocalMember:
        order = self.peers.order
        return LocalMember(
            id=self.id,
            region=self._region,
            quorum_age=self._now() - self.open_groups.quorum_at if self.has_peers else None,
            order=order if len(order) > 1 else (),
            version=self._plan.version,
            plan=self._digest,
            peers=self.membership.digest,
            time=self._wall(),
            witness=self._plan.witness,
        )
