"""This probe among others: what it asks them, what it answers, and what comes of both.

Results and alerts are handed in, nothing here is stored: after a restart the first round
brings it all back. Asking runs in a task of its own; who waits for it waits for
``BOUND_SECONDS`` at most.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from alerts.cluster import quorum
from alerts.cluster.leader import PATIENCE_SECONDS, Assignment, Other, Role, elect
from alerts.cluster.members import Member, Members, PeersPlan, PeersReading, Post
from alerts.cluster.protocol import MOST_ASKED, MemberAnswer, QueriedCheck, Query, write
from alerts.cluster.quorum import MemberVote, QuorumState, Scope, SuspectedAlert, Vote
from alerts.cluster.responder import LastResult, LocalState, build_answer, is_due, rule_of
from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.notification_log import NotificationLogEntry
from probe.core.kind import Check
from probe.core.model import Result, Status

# How often the others are asked: while something is amiss, here or with them, and else.
TROUBLE_SECONDS, CALM_SECONDS = 3.0, 30.0
# Between two rounds, however much happens.
PAUSE_SECONDS = 0.5
# What fires waits so long for the others' first word on it; asking takes less.
BOUND_SECONDS = 5.0
# Before people are told of something new, the others were asked so shortly before.
RECENT_SECONDS = 1.0
# The label of an alert that one region alone sees.
SEEN_FROM = "seen_from"


@dataclass(frozen=True, slots=True)
class ScopedAlert:
    """An alert as it is told among several probes, and of which incident. ``waits``: nothing
    is told of it yet, and nothing is over."""

    alert: Alert
    subject: str
    waits: bool = False


class Cluster:
    """Makes of this probe's alerts what several probes tell. ``now`` is steadied; ``hasten``
    lets a check be looked at at once, ``on_news`` is called after each round, ``post`` asks."""

    def __init__(
        self,
        plan: PeersPlan,
        region: str,
        *,
        now: Callable[[], float],
        hasten: Callable[[str], None] = lambda _: None,
        on_news: Callable[[], None] = lambda: None,
        post: Post | None = None,
    ) -> None:
        self.id, self._region, self._now = secrets.token_hex(8), region, now
        self._asks_others = bool(plan.entries)
        self.peers = Members(plan, self.id, now, post)
        self.run_soon, self.on_news = hasten, on_news
        self._looks: dict[str, LastResult] = {}
        self._troubles: list[SuspectedAlert] = []
        self._standings: dict[Fingerprint, QuorumState] = {}
        self._met: dict[Fingerprint, float] = {}
        self._sure: set[Fingerprint] = set()
        self._begun: dict[str, float] = {}
        self._open: set[str] = set()
        self._asked: dict[str, float] = {}
        self._rounds, self._round_at = 0, float("-inf")
        self._busy = False
        self.ask_now = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether the others have been asked at all, or there is nobody to ask."""
        return self._rounds > 0 or not self._asks_others

    @property
    def reading(self) -> PeersReading | None:
        """How the others fare; None if nobody is asked."""
        if not self._asks_others:
            return None
        scopes = [standing.scope for standing in self._standings.values()]
        known = len(self.peers.others) + len(self.peers.unresolved)
        counted = {scope.value: scopes.count(scope) for scope in Scope}
        return PeersReading(known, len(self._there()), self.peers.failures, counted)

    def note(self, check: Check, result: Result) -> None:
        """A check has a new result."""
        measured = result.status is not Status.UNKNOWN
        self._looks[check.name] = LastResult(check, self._now(), measured)

    def set_suspected(self, troubles: Sequence[SuspectedAlert], busy: bool) -> None:
        """This is amiss now; ``busy``: something told is not over yet."""
        known = {trouble.identity.check for trouble in self._troubles}
        self._troubles = sorted(troubles, key=lambda each: (not each.sight.sure, each.since))
        news = {trouble.identity.check for trouble in troubles} - known
        busy = busy or bool(troubles)
        if news or (busy and not self._busy):
            self.ask_now.set()
        self._busy = busy

    def scope_alerts(
        self, alerts: Iterable[Alert], subject_of: Callable[[Alert], str], *, excused: bool
    ) -> list[ScopedAlert]:
        """Every alert that burns here as it is to be told by now."""
        if not self._asks_others:
            return [ScopedAlert(alert, subject_of(alert)) for alert in alerts]
        now, before = self._now(), self._standings
        alerts = list(alerts)
        self._sure = {each.identity for each in self._troubles if each.sight.sure}
        self._met = {each.identity: self._met.get(each.identity, now) for each in alerts}
        self._standings = {
            alert.identity: self._stand(alert, before.get(alert.identity), now, excused)
            for alert in alerts
        }
        placed = [each for alert in alerts for each in self._place(alert, subject_of(alert))]
        told = {each.subject for each in placed if not each.waits}
        self._begun = {subject: self._begun.get(subject, now) for subject in told}
        self._open = {
            subject_of(each) for each in alerts if self._standings[each.identity].is_global
        }
        return placed

    def place_over(self, alert: Alert, subject: str) -> list[ScopedAlert]:
        """An alert that is over, of each incident that it may have been told of."""
        if not self._asks_others:
            return [ScopedAlert(alert, subject)]
        shared = replace(alert, region="")
        return [
            ScopedAlert(shared, subject),
            ScopedAlert(self._seen_here(alert), self._local(subject)),
        ]

    def elsewhere(self, subject: str, subject_of: Callable[[str], str]) -> str:
        """What has become of an incident of which nothing burns any more as it was told: its
        alerts are told as another incident. Empty if they are over."""
        for identity, standing in self._standings.items():
            home = subject_of(identity.check)
            if subject == (self._local(home) if standing.is_global else home):
                return standing.view if standing.scope is not Scope.WAITING else ""
        return ""

    def view_of(self, alert: Alert) -> str:
        """Who sees what of an alert that burns here, in words; empty before the first round."""
        standing = self._standings.get(alert.identity)
        return standing.view if standing and self._asks_others else ""

    def standing_of(self, alert: Alert) -> QuorumState | None:
        """How an alert that burns here stands among the probes."""
        return self._standings.get(alert.identity)

    def is_open_elsewhere(self, subject: str) -> bool:
        """Whether another probe still tells an incident as the target's fault."""
        return any(subject in answer.open for _, answer in self._there())

    def cast(
        self, notifier: str, subject: str, view: NotificationLogEntry | None, over: bool
    ) -> Assignment:
        """Whether this probe is the one that tells people of an incident."""
        now, key = self._now(), (notifier, subject)
        others = [
            Other(
                member.name,
                ahead=self.peers.is_ahead(member, self._region),
                sees=subject in answer.sees,
                owns=key in answer.owns,
                holds=key in answer.holds,
                ended=next((e[2] + now - member.heard for e in answer.ended if e[:2] == key), None),
            )
            for member, answer in self._there()
        ]
        waited = now - self._begun.get(subject, now)
        opened = now - view.opened if view else 0.0
        found = elect(view.owner if view else None, over, others, waited, opened)
        timeout = PATIENCE_SECONDS * len(others) + BOUND_SECONDS
        stale = now - self._round_at > RECENT_SECONDS and waited < timeout
        if view is None and others and stale and found.part is Role.TELL:
            # Who has just told says so when it is asked now.
            self.ask_now.set()
            return Assignment(Role.WAIT)
        return found

    def next_time(self, alerts: Iterable[Alert]) -> float | None:
        """When :meth:`place` will say something else though nobody says anything new."""
        times = [
            quorum.next_time(alert, standing)
            for alert in alerts
            if (standing := self._standings.get(alert.identity)) is not None
        ]
        return min((time for time in times if time and time > self._now()), default=None)

    def answer(self, question: QueriedCheck, own: LocalState, *, excused: bool) -> bytes:
        """What another probe wants to know.

        A check that it wants a younger look of is looked at at once, unless it was just now.
        """
        now = self._now()
        troubled = {trouble.identity.check for trouble in self._troubles}
        for ask in question.asks:
            look = self._looks.get(ask.check)
            if look and ask.check not in troubled and is_due(look, ask.younger, now):
                self.run_soon(ask.check)
        whole = replace(own, open=frozenset(self._open), troubles=self._troubles)
        looks = {} if excused else self._looks
        return write(build_answer(question, self.id, self._region, looks, whole, now))

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        while self._asks_others:
            self.ask_now.clear()
            await self.ask()
            self.on_news()
            await asyncio.sleep(PAUSE_SECONDS)
            amiss = self._busy or self.peers.troubles
            wait = TROUBLE_SECONDS if amiss else CALM_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self.ask_now.wait()

    async def ask(self) -> None:
        """Ask everybody once about what is amiss here."""
        begun = self._now()
        asks: dict[str, Query] = {}
        for trouble in self._troubles:
            name = trouble.identity.check
            if len(asks) < MOST_ASKED:
                asks.setdefault(name, Query(check=name, younger=max(begun - trouble.since, 0.0)))
        await self.peers.ask(write(QueriedCheck(asks=tuple(asks.values()))), asks)
        self._asked = dict.fromkeys(asks, begun)
        self._rounds, self._round_at = self._rounds + 1, self._now()

    def _place(self, alert: Alert, subject: str) -> list[ScopedAlert]:
        standing = self._standings[alert.identity]
        alert = replace(alert, view=standing.view)
        here = ScopedAlert(self._seen_here(alert), self._local(subject))
        if standing.scope is Scope.LOCAL:
            return [here]
        if standing.scope is Scope.WAITING:
            return [ScopedAlert(alert, subject, waits=True), replace(here, waits=True)]
        alone = standing.scope is Scope.ALONE
        summary = f"{alert.summary} ({standing.view})" if alone else alert.summary
        shared = replace(alert, severity=standing.severity, region="", summary=summary)
        return [ScopedAlert(shared, subject)]

    def _seen_here(self, alert: Alert) -> Alert:
        """An alert that this region alone sees: a warning that names it."""
        labels = (*alert.identity.labels, (SEEN_FROM, self._region))
        return replace(
            alert,
            identity=replace(alert.identity, labels=labels),
            severity=Severity.WARNING,
            summary=f"{alert.summary} (seen from {self._region} alone)",
        )

    def _local(self, subject: str) -> str:
        """The incident of what this region alone sees."""
        return f"{subject} ({self._region})"

    def _there(self) -> list[tuple[Member, MemberAnswer]]:
        now = self._now()
        return [
            (member, member.answer)
            for member in self.peers.others
            if member.answer is not None and member.is_reachable(now)
        ]

    def _stand(
        self, alert: Alert, before: QuorumState | None, now: float, excused: bool
    ) -> QuorumState:
        waits = before or QuorumState(Scope.WAITING, alert.severity, "")
        was_asked = self._asked.get(alert.identity.check, float("-inf")) >= alert.since
        # What is well again here, or has not been looked at since a restart, stands as it stood.
        if excused or alert.identity not in self._sure:
            return waits
        if not was_asked and now - self._met[alert.identity] < BOUND_SECONDS:
            return waits
        return quorum.judge(alert, self._region, self._voices(alert, now), before, now)

    def _voices(self, alert: Alert, now: float) -> list[MemberVote]:
        """Every other probe's word; who is gone, and a name without addresses, is silent."""
        identity = alert.identity
        found = [MemberVote(name, Vote.SILENT) for name in self.peers.unresolved]
        for member in self.peers.others:
            answer = member.answer
            if answer is None or not member.is_reachable(now) or identity.check not in member.asked:
                found.append(MemberVote(member.name, Vote.SILENT))
                continue
            seen = answer.checks.get(identity.check)
            opinion = seen.opinion(now - member.heard) if seen else None
            found.append(quorum.voice(member.name, opinion, rule_of(identity), now - alert.since))
        return found
