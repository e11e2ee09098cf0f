"""Several probes check the same target: the quorum on an alert; pure.

One region's view is worth a warning that names it; what two regions see, or the only one that
has a view, is a fault of the target. A probe that gets no answers decides alone, later than it
would otherwise. Times are seconds since 1970 on the querying probe's own steadied clock; what
others say comes with an age, so wall clocks are never compared.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Severity
from alerts.state.suspected_alert import ObservedSeverity
from probe.core.thresholds import NO_DATA
from probe.untrusted.text import enumerated

# Without answers a probe decides alone, so much later than its `for_seconds`.
ALONE_SECONDS = 60.0
# A fault that regions agreed on and only one still sees stays shared for so long, because they
# don't see the recovery in the same second; longer until that one has a newer result itself.
EASE_SECONDS, MAX_EASE_SECONDS = 20.0, 120.0
# A probe that sees the recovery without a majority resolves what was agreed on after so long.
RESOLVE_ALONE_SECONDS = 180.0
# A run takes time; a result older than so many intervals plus so long is out of date.
FRESH_INTERVALS, FRESH_SECONDS = 1.5, 5.0


class Vote(StrEnum):
    """What another probe says of an alert. ``SILENT``: it can't be reached, is not sure, or
    has no result since the condition began; ``NOTHING``: it has no such check, or could not
    measure it; ``NOT_QUERIED``: it can be reached and has yet to be queried."""

    BAD = "bad"
    FINE = "fine"
    NOTHING = "nothing"
    SILENT = "silent"
    NOT_QUERIED = "unasked"


class MemberVote(Struct, frozen=True):
    """Another probe's present vote on an alert. ``name`` is its region, or its address before
    it has ever answered. ``severity`` is None unless it sees it as bad."""

    name: str
    vote: Vote
    severity: Severity | None = None


class CheckReport(Struct, frozen=True):
    """What another probe says of one check.

    ``age`` is how many seconds ago it last had a result, ``interval`` how often it runs;
    ``measured`` is False if that result says nothing of the target. ``bad`` has what it sees
    as bad, by rule and labels. ``pending``: it has the check and no result of it yet.
    """

    age: float
    interval: float
    measured: bool
    bad: dict[str, ObservedSeverity]
    pending: bool = False


class Scope(StrEnum):
    """Whose alert it is: ``SHARED`` the target's, ``LOCAL`` one region's, ``ALONE`` decided
    without any answer, ``WAITING`` not sent yet."""

    SHARED = "shared"
    LOCAL = "local"
    ALONE = "alone"
    WAITING = "waiting"


class QuorumState(Struct, frozen=True):
    """What the probes make of an alert. ``view`` says who sees what. ``disputed_since`` is since
    when no other region agrees any more, ``last_denied`` when one last saw it fine;
    ``agreed``: two regions see it now."""

    scope: Scope
    severity: Severity
    view: str
    disputed_since: float | None = None
    last_denied: float | None = None
    agreed: bool = False

    @property
    def is_global(self) -> bool:
        """Whether it is sent as a fault of the target, without a region."""
        return self.scope in (Scope.SHARED, Scope.ALONE)


def vote_of(name: str, report: CheckReport | None, rule: str, failing_for: float) -> MemberVote:
    """What a probe that answered says of one rule; ``report`` is None if it has no such check.

    ``failing_for`` is for how many seconds the querying probe has seen it as bad: what another one
    saw before that is no contradiction.
    """
    if report is None:
        return MemberVote(name, Vote.NOTHING)
    if report.pending:
        return MemberVote(name, Vote.SILENT)
    fresh = report.age <= FRESH_INTERVALS * report.interval + FRESH_SECONDS
    observed = report.bad.get(rule)
    # Having no data is a present opinion however old the last result is.
    if observed is not None and (fresh or rule == NO_DATA):
        return (
            MemberVote(name, Vote.BAD, observed.severity)
            if observed.sure
            else MemberVote(name, Vote.SILENT)
        )
    if not report.measured:
        return MemberVote(name, Vote.NOTHING)
    return MemberVote(name, Vote.FINE if fresh and report.age <= failing_for else Vote.SILENT)


class Circumstances(Struct, frozen=True):
    """What else bears on an alert that regions agreed on and only one still sees: when this
    probe last had a result of the check, and whether another one has resolved the group."""

    result_at: float = float("inf")
    resolved: bool = False


_USUAL = Circumstances()


def judge(
    alert: Alert,
    region: str,
    votes: Sequence[MemberVote],
    before: QuorumState | None,
    now: float,
    circumstances: Circumstances = _USUAL,
) -> QuorumState:
    """The state of an alert of this probe, given every other probe's vote on it."""
    bad = {region, *_names(votes, Vote.BAD)}
    fine, silent = _names(votes, Vote.FINE), _names(votes, Vote.SILENT)
    last_denied = now if fine else (before.last_denied if before else None)
    view = view_of(sorted(bad), sorted(fine - bad), sorted(silent - bad - fine))
    if len(bad) > 1:
        severity = _agreed(alert, region, votes)
        return QuorumState(Scope.SHARED, severity, view, last_denied=last_denied, agreed=True)
    if before is not None and any(each.vote is Vote.NOT_QUERIED for each in votes):
        return before
    if not fine and not silent:
        return QuorumState(Scope.SHARED, alert.severity, view, last_denied=last_denied)
    if before is not None and before.is_global:
        if not fine:
            return _keep(alert, before, view)
        return _disputed(
            alert,
            before,
            QuorumState(before.scope, before.severity, view, None, now),
            circumstances,
        )
    if fine:
        return QuorumState(Scope.LOCAL, Severity.WARNING, view, last_denied=last_denied)
    return _alone(alert, before, view, last_denied, now)


def next_time(alert: Alert, quorum_state: QuorumState) -> float | None:
    """When :func:`judge` will have another result without a new answer."""
    if quorum_state.disputed_since is not None:
        return quorum_state.disputed_since + EASE_SECONDS
    if quorum_state.scope in (Scope.SHARED, Scope.ALONE):
        return None
    return _decides_alone_at(alert, quorum_state.last_denied)


def view_of(bad: Sequence[str], fine: Sequence[str], silent: Sequence[str]) -> str:
    """Who sees what, in words."""
    alone = " alone" if len(bad) == 1 and fine else ""
    parts = [f"seen from {enumerated(bad)}{alone}"]
    if fine:
        parts.append(f"fine from {enumerated(fine)}")
    if silent:
        parts.append(f"no word from {enumerated(silent)}")
    return ", ".join(parts)


def _agreed(alert: Alert, region: str, votes: Iterable[MemberVote]) -> Severity:
    """Critical is what two regions see as critical."""
    if alert.severity is not Severity.CRITICAL:
        return alert.severity
    others = {vote.name for vote in votes if vote.severity is Severity.CRITICAL}
    return Severity.CRITICAL if others - {region} else Severity.WARNING


def _disputed(
    alert: Alert, before: QuorumState, found: QuorumState, circumstances: Circumstances
) -> QuorumState:
    """Regions agreed, or none answered; now one sees it fine."""
    now = found.last_denied or 0.0
    since = before.disputed_since if before.disputed_since is not None else now
    enough = EASE_SECONDS if circumstances.result_at >= since else MAX_EASE_SECONDS
    # No other probe has ever agreed with what was decided alone.
    if before.scope is Scope.ALONE or circumstances.resolved or now - since >= enough:
        return replace(found, scope=Scope.LOCAL, severity=Severity.WARNING)
    severity = _milder(alert.severity, before.severity)
    return replace(found, scope=Scope.SHARED, severity=severity, disputed_since=since)


def _keep(alert: Alert, before: QuorumState, view: str) -> QuorumState:
    """A probe without answers keeps the previous state."""
    alone = before.scope is Scope.ALONE
    severity = alert.severity if alone else _milder(alert.severity, before.severity)
    text = f"{view} (no other region could be asked)" if alone else view
    return QuorumState(before.scope, severity, text, before.disputed_since, before.last_denied)


def may_resolve(reachable: int, members: int, waited: float) -> bool:
    """Whether a group that no longer fires here may be resolved at the receivers.

    ``reachable`` members, this one included, of all ``members`` have been asked, and none of
    them holds it open. Those who can't be asked may still see it: a majority is needed, or
    a timeout; ``waited`` is since how many seconds it is over here and no majority answers.
    """
    return reachable * 2 > members or waited >= RESOLVE_ALONE_SECONDS


def _alone(
    alert: Alert, before: QuorumState | None, view: str, last_denied: float | None, now: float
) -> QuorumState:
    if now >= _decides_alone_at(alert, last_denied):
        text = f"{view} (no other region could be asked)"
        return QuorumState(Scope.ALONE, alert.severity, text, last_denied=last_denied)
    scope = Scope.LOCAL if before and before.scope is Scope.LOCAL else Scope.WAITING
    return QuorumState(scope, Severity.WARNING, view, last_denied=last_denied)


def _decides_alone_at(alert: Alert, last_denied: float | None) -> float:
    """When a probe decides alone: after it would have fired, and after the last contradiction."""
    return max(alert.fired, last_denied or 0.0) + ALONE_SECONDS


def _milder(one: Severity, other: Severity) -> Severity:
    return one if one is other else Severity.WARNING


def _names(votes: Iterable[MemberVote], wanted: Vote) -> set[str]:
    return {vote.name for vote in votes if vote.vote is wanted}
