"""What this probe answers another one: the state of checks and groups here; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from alerts.cluster.decisions.leader import HANDOVER_SECONDS
from alerts.cluster.decisions.quorum import FRESH_INTERVALS, FRESH_SECONDS
from alerts.cluster.protocol.messages import (
    MAX_NAMED,
    MemberAnswer,
    Query,
    ReportedAlert,
    ReportedCheck,
)
from alerts.model import Delivery, Fingerprint, MessageType
from alerts.notification.notification_log import Key, NotificationLogEntry
from alerts.role import THIS_PROBE
from alerts.state.suspected_alert import SuspectedAlert
from probe.core.kind import Check
from probe.core.thresholds import NO_DATA

T = TypeVar("T")


class LastResult(Struct, frozen=True):
    """A check's newest result: when it came, and whether it measured the target."""

    check: Check
    at: float
    measured: bool


class LocalState(Struct, frozen=True):
    """The state of this probe, a consistent snapshot.

    ``checks`` are those that run, ``subjects`` their groups; ``views`` what was sent of groups
    and by whom, ``undelivered`` since when a message of a group has been waiting for its
    receiver, ``ended`` when a group was resolved: all by notifier and group; ``openings`` are
    groups whose first message is among those that wait, ``sending`` since when one of those has
    been on its way without a failed attempt; ``incidents`` are the ids of open ones by group.
    ``shared`` are alerts that are the target's fault, ``suspected`` everything that is seen as bad
    (None: as it was last set).
    """

    subjects: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[Key, NotificationLogEntry] = field(default_factory=dict)
    undelivered: Mapping[Key, float] = field(default_factory=dict)
    ended: Mapping[Key, float] = field(default_factory=dict)
    shared: Collection[Fingerprint] = ()
    suspected: Sequence[SuspectedAlert] | None = None
    openings: Collection[Key] = ()
    incidents: Mapping[str, str] = field(default_factory=dict)
    sending: Mapping[Key, float] = field(default_factory=dict)
    checks: Collection[str] = ()


class LocalMember(Struct, frozen=True):
    """What this probe says of itself besides alerts; see
    :class:`alerts.cluster.protocol.MemberAnswer`."""

    id: str
    region: str
    quorum_age: float | None = None
    order: tuple[str, ...] = ()
    version: str = ""
    plan: str = ""
    peers: str = ""
    time: float | None = None
    witness: bool = False


def build_answer(
    query: Query,
    me: LocalMember,
    results: Mapping[str, LastResult],
    own: LocalState,
    now: float,
) -> MemberAnswer:
    """The answer to a query; unknown checks are left out."""
    wanted = None if query.groups is None else frozenset(query.groups)
    suspected = own.suspected or ()
    sure = {each.identity for each in suspected if each.observed.sure}
    waited = {key: max(now - at, 0.0) for key, at in own.undelivered.items()}
    ended = {key: max(now - at, 0.0) for key, at in own.ended.items() if key not in waited}
    open_ = {each for each in own.shared if each in sure and _is_current(each, results, now)}
    return MemberAnswer(
        id=me.id,
        region=me.region[:40],
        checks={
            queried.check: _seen(result, suspected, now) if result else _unseen()
            for queried in query.asks
            if (result := results.get(queried.check)) is not None or queried.check in own.checks
        },
        sees=_some(_groups(sure, own), wanted),
        open=_some(_groups(open_, own), wanted),
        owns=_some_keys(_owned(own, waited), wanted),
        holds=_some_keys(_held(own), wanted),
        ended=_aged(ended, wanted),
        ends=_some_keys(_ending(own, waited), wanted),
        pending=_aged(waited, wanted),
        sending=_aged({key: max(now - at, 0.0) for key, at in own.sending.items()}, wanted),
        opened=_aged({key: max(now - view.opened, 0.0) for key, view in own.views.items()}, wanted),
        quorum_age=me.quorum_age,
        order=me.order,
        version=me.version[:40],
        plan=me.plan,
        peers=me.peers,
        time=me.time,
        witness=me.witness,
        incidents=_named(own.incidents, wanted),
    )


def _held(own: LocalState) -> Iterable[Key]:
    """What another member sends."""
    return (key for key, view in own.views.items() if view.owner != THIS_PROBE)


def undelivered_of(waiting: Iterable[Delivery]) -> dict[Key, float]:
    """Since when a message has been waiting, by notifier and group."""
    found: dict[Key, float] = {}
    for each in waiting:
        key = (each.notifier, each.message.key)
        found[key] = min(found.get(key, each.message.at), each.message.at)
    return found


def openings_of(waiting: Iterable[Delivery]) -> frozenset[Key]:
    """Groups whose first message is among those that wait."""
    opening = (each for each in waiting if each.message.occasion is MessageType.FIRING)
    return frozenset((each.notifier, each.message.key) for each in opening)


def sending_of(waiting: Iterable[Delivery], accepted: Mapping[str, float]) -> dict[Key, float]:
    """Since when first messages have been on their way that no attempt has failed to deliver.
    ``accepted`` is when each notifier last took a message: those behind it wait their turn."""
    return {
        (each.notifier, each.message.key): max(
            each.message.at, accepted.get(each.notifier, each.message.at)
        )
        for each in waiting
        if each.message.occasion is MessageType.FIRING and not each.error
    }


def is_due(result: LastResult, younger: float, now: float) -> bool:
    """Whether a newer result is wanted, and the last run was at least ``retry`` s ago."""
    age = now - result.at
    return age > younger and age >= result.check.retry


def is_fresh(result: LastResult, now: float) -> bool:
    """Whether a result is the present state: the next one isn't overdue."""
    return now - result.at <= FRESH_INTERVALS * result.check.interval + FRESH_SECONDS


def rule_of(identity: Fingerprint) -> str:
    """What an alert of a check is about, as every probe calls it."""
    return str(replace(identity, check="")).removeprefix("/")


def _owned(own: LocalState, waited: Mapping[Key, float]) -> Iterable[Key]:
    """Groups that others leave to this probe. An opening that no receiver has taken leaves
    them free to notify; an update or an end does so after a while."""
    for key, view in own.views.items():
        is_late = key in own.openings or waited.get(key, 0.0) >= HANDOVER_SECONDS
        if view.owner == THIS_PROBE and not is_late:
            yield key


def _ending(own: LocalState, waited: Mapping[Key, float]) -> Iterable[Key]:
    """Groups whose resolve this probe is about to deliver."""
    for key, seconds in waited.items():
        if key not in own.views and key in own.ended and seconds < HANDOVER_SECONDS:
            yield key


def _is_current(identity: Fingerprint, results: Mapping[str, LastResult], now: float) -> bool:
    """Whether an alert rests on a present measurement, not on an old one."""
    result = results.get(identity.check)
    return identity.rule == NO_DATA or (
        result is not None and result.measured and is_fresh(result, now)
    )


def _seen(result: LastResult, suspected: Iterable[SuspectedAlert], now: float) -> ReportedCheck:
    bad = {
        rule_of(each.identity): ReportedAlert(
            severity=each.observed.severity, sure=each.observed.sure
        )
        for each in suspected
        if each.identity.check == result.check.name
    }
    return ReportedCheck(
        age=max(now - result.at, 0.0),
        interval=result.check.interval,
        measured=result.measured,
        bad=dict([*bad.items()][:MAX_NAMED]),
    )


def _unseen() -> ReportedCheck:
    """Of a check without a result yet; an older version takes it as not measured."""
    return ReportedCheck(age=0.0, interval=0.0, measured=False, pending=True)


def _groups(identities: Iterable[Fingerprint], own: LocalState) -> set[str]:
    return {own.subjects.get(each.check, each.check) for each in identities}


def _some(found: Iterable[str], wanted: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(each for each in found if wanted is None or each in wanted)[:MAX_NAMED]


def _some_keys(found: Iterable[Key], wanted: frozenset[str] | None) -> tuple[Key, ...]:
    return tuple(key for key in found if wanted is None or key[1] in wanted)[:MAX_NAMED]


def _named(found: Mapping[str, str], wanted: frozenset[str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in found.items() if wanted is None or each[0] in wanted)[:MAX_NAMED]


def _aged(
    found: Mapping[Key, float], wanted: frozenset[str] | None
) -> tuple[tuple[str, str, float], ...]:
    """The newest of them, if there are too many."""
    aged = sorted((age, *key) for key, age in found.items() if wanted is None or key[1] in wanted)
    return tuple((name, group, age) for age, name, group in aged[:MAX_NAMED])
