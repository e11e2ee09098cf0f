"""What this probe answers another one: its present word on checks, and what it has told; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from alerts.cluster.leader import MINE
from alerts.cluster.protocol import MOST_NAMED, MemberAnswer, QueriedCheck, ReportedAlert, SeenBad
from alerts.cluster.quorum import SuspectedAlert
from alerts.model import Fingerprint
from alerts.notification.notification_log import NotificationLogEntry
from probe.core.kind import Check

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LastResult:
    """A check's newest result: when it came, and whether it says something of the target."""

    check: Check
    at: float
    measured: bool


@dataclass(frozen=True, slots=True)
class LocalState:
    """What this probe knows of itself.

    ``subjects`` are the checks' incidents; ``views`` what was told of incidents and by whom,
    ``undelivered`` those of them whose message has not been taken yet, ``ended`` when the end
    of one was told: all by notifier and incident. ``open`` are incidents that are told as the
    target's fault.
    """

    subjects: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[tuple[str, str], NotificationLogEntry] = field(default_factory=dict)
    undelivered: frozenset[tuple[str, str]] = frozenset()
    ended: Mapping[tuple[str, str], float] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    troubles: Sequence[SuspectedAlert] = ()


def build_answer(
    question: QueriedCheck,
    me: str,
    region: str,
    looks: Mapping[str, LastResult],
    own: LocalState,
    now: float,
) -> MemberAnswer:
    """The answer to a question; of a check without a look there is no word."""
    sure = {each.identity.check for each in own.troubles if each.sight.sure}
    told = {key: view for key, view in own.views.items() if key not in own.undelivered}
    ended = [(*key, max(now - at, 0.0)) for key, at in own.ended.items()]
    return MemberAnswer(
        id=me,
        region=region[:40],
        checks={
            ask.check: _seen(look, own.troubles, now)
            for ask in question.asks
            if (look := looks.get(ask.check)) is not None
        },
        sees=_some({own.subjects.get(name, name) for name in sure}),
        open=_some(own.open),
        owns=_some(key for key, view in told.items() if view.owner == MINE),
        holds=_some(key for key, view in own.views.items() if view.owner != MINE),
        ended=tuple(ended[-MOST_NAMED:]),
    )


def is_due(look: LastResult, younger: float, now: float) -> bool:
    """Whether a younger look is wanted, and the last one not so young that it would be rude."""
    age = now - look.at
    return age > younger and age >= look.check.retry


def rule_of(identity: Fingerprint) -> str:
    """What an alert of a check is about, as every probe calls it."""
    return str(replace(identity, check="")).removeprefix("/")


def _seen(look: LastResult, troubles: Iterable[SuspectedAlert], now: float) -> ReportedAlert:
    bad = {
        rule_of(each.identity): SeenBad(severity=each.sight.severity, sure=each.sight.sure)
        for each in troubles
        if each.identity.check == look.check.name
    }
    return ReportedAlert(
        age=max(now - look.at, 0.0),
        interval=look.check.interval,
        measured=look.measured,
        bad=dict([*bad.items()][:MOST_NAMED]),
    )


def _some(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(found)[:MOST_NAMED]
