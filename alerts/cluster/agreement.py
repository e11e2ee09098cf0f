"""What the members agree on: the quorum state of every alert that fires here."""

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from alerts.cluster.decisions import quorum
from alerts.cluster.decisions.quorum import Circumstances, MemberVote, QuorumState, Scope, Vote
from alerts.cluster.decisions.scoped_alert import ScopedAlert, local_group, scope_alert
from alerts.cluster.membership.member import Member
from alerts.cluster.membership.members import Members
from alerts.cluster.protocol.responder import rule_of
from alerts.model import Alert, Fingerprint

# A member that answers and has not been asked for something after so long counts as silent on it.
NOT_QUERIED_SECONDS = 30.0


class Agreement:
    """Sends no queries: it evaluates what ``peers`` have answered. ``result_at`` is when a check
    last had a result here, ``run_soon`` lets a check run at once."""

    def __init__(
        self,
        peers: Members,
        region: str,
        now: Callable[[], float],
        result_at: Callable[[str], float],
        run_soon: Callable[[str], None],
    ) -> None:
        self._peers, self._region, self._now = peers, region, now
        self._result_at, self._run_soon = result_at, run_soon
        self._subjects: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self.quorum_states: dict[Fingerprint, QuorumState] = {}

    @property
    def shared(self) -> list[Fingerprint]:
        """Alerts whose fault is the target's."""
        return [each for each, quorum_state in self.quorum_states.items() if quorum_state.is_global]

    def begun(self, subject: str) -> float:
        """Since when something of a group has been firing here as it is sent."""
        return self._begun.get(subject, self._now())

    def begin_again(self, subject: str) -> None:
        """A group that another one has resolved is opened again from now."""
        self._begun[subject] = self._now()

    def is_agreed(self, subject: str) -> bool:
        """Whether a quorum sees something of a group now."""
        return any(
            self._subjects.get(identity.check) == subject and quorum_state.agreed
            for identity, quorum_state in self.quorum_states.items()
        )

    def place(
        self,
        alerts: Iterable[Alert],
        subject_of: Callable[[Alert], str],
        judged: Collection[Fingerprint],
    ) -> list[ScopedAlert]:
        """Every alert that fires here as it is to be sent by now. Those that are not among
        ``judged`` keep their state."""
        now, before, alerts = self._now(), self.quorum_states, list(alerts)
        self._subjects = {alert.identity.check: subject_of(alert) for alert in alerts}
        self.quorum_states = {}
        for alert in alerts:
            known = before.get(alert.identity)
            found = known or QuorumState(Scope.WAITING, alert.severity, "")
            if alert.identity in judged:
                found = self._quorum_state(alert, found, subject_of(alert), now)
            elif found.agreed:
                found = replace(found, agreed=False)
            if found.disputed_since is not None and (known is None or known.disputed_since is None):
                self._run_soon(alert.identity.check)
            self.quorum_states[alert.identity] = found
        placed = [
            each
            for alert in alerts
            for each in scope_alert(
                alert, self.quorum_states[alert.identity], subject_of(alert), self._region
            )
        ]
        sent = {each.subject for each in placed if not each.waits}
        self._begun = {subject: self._begun.get(subject, now) for subject in sent}
        return placed

    def moved_to(self, subject: str, subject_of: Callable[[str], str]) -> str:
        """Where the alerts of a group are sent now, of which nothing fires any more as it was
        sent. Empty if they are resolved."""
        for identity, quorum_state in self.quorum_states.items():
            group = subject_of(identity.check)
            if subject == (local_group(group, self._region) if quorum_state.is_global else group):
                return quorum_state.view if quorum_state.scope is not Scope.WAITING else ""
        return ""

    def next_time(self, alerts: Iterable[Alert]) -> float | None:
        """When :meth:`place` will have another result without a new answer."""
        times = [
            quorum.next_time(alert, quorum_state)
            for alert in alerts
            if (quorum_state := self.quorum_states.get(alert.identity)) is not None
        ]
        return min((time for time in times if time and time > self._now()), default=None)

    def _quorum_state(
        self, alert: Alert, before: QuorumState, subject: str, now: float
    ) -> QuorumState:
        begun = self._begun.get(subject, now)
        answers = [member.groups.get(subject) for member in self._peers.reachable]
        closed = any(end > begun for answer in answers if answer for end in answer.ended.values())
        circumstances = Circumstances(self._result_at(alert.identity.check), closed)
        return quorum.judge(
            alert, self._region, self._votes(alert, now), before, now, circumstances
        )

    def _votes(self, alert: Alert, now: float) -> list[MemberVote]:
        """Every other probe's vote; unreachable members and names without addresses are silent."""
        found = [MemberVote(name, Vote.SILENT) for name in self._peers.unresolved]
        found += [self._vote(member, alert, now) for member in self._peers.others]
        return found

    def _vote(self, member: Member, alert: Alert, now: float) -> MemberVote:
        answer = member.checks.get(alert.identity.check)
        if not member.is_reachable(now):
            return MemberVote(member.name, Vote.SILENT)
        if answer is None or answer.answered_at < alert.since:
            is_early = now - alert.fired < NOT_QUERIED_SECONDS
            return MemberVote(member.name, Vote.NOT_QUERIED if is_early else Vote.SILENT)
        report = answer.seen.report(now - answer.answered_at) if answer.seen else None
        return quorum.vote_of(member.name, report, rule_of(alert.identity), now - alert.since)
