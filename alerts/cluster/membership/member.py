"""One other probe of the cluster: its address, and what it last said; no input or output."""

import dataclasses
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from alerts.cluster.protocol.messages import MemberAnswer, Query, ReportedCheck
from probe.net.urls import show_host
from probe.report.text.sanitize import clean

# A member that has not answered for so long counts as gone; one lost answer changes nothing.
GONE_SECONDS = 8.0
# A member that has not reached a majority for so long holds nothing open.
TRUST_SECONDS = 20.0
NOT_QUERIED = "not asked yet"
# The region of a probe for which none is set.
NO_REGION = "local"


class PeersReading(Struct, frozen=True):
    """The state of the others: how many there are and answer, failed queries so far, how many
    alerts that fire are whose, what differs in their set-up, and their clocks' offsets."""

    known: int
    reachable: int
    failures: int
    scopes: Mapping[str, int]
    mismatches: Mapping[str, int] = field(default_factory=dict)
    clock_offsets: Mapping[str, float] = field(default_factory=dict)


class CheckAnswer(Struct, frozen=True):
    """What a member last said of a check, and when; None: it has no such check."""

    seen: ReportedCheck | None
    answered_at: float


class GroupAnswer(Struct, frozen=True):
    """What a member last said of an alert group, and when. ``ended``, ``pending``,
    ``sending`` and ``opened`` are times by notifier; ``incident`` is the id of the one that is open
    there."""

    answered_at: float
    sees: bool = False
    open: bool = False
    owns: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    ended: Mapping[str, float] = field(default_factory=dict)
    pending: Mapping[str, float] = field(default_factory=dict)
    sending: Mapping[str, float] = field(default_factory=dict)
    opened: Mapping[str, float] = field(default_factory=dict)
    incident: str = ""


@dataclasses.dataclass(slots=True)
class Member:
    """One address. ``place`` orders them; ``checks`` and ``groups`` are what it last said of
    what it was asked for, ``answered_at`` when it last answered, ``queried_at`` when that answer
    was requested, ``problem`` why it does not now, ``offset`` how far its wall clock is ahead
    of ours."""

    url: str
    place: tuple[int, int, bytes]
    answer: MemberAnswer | None = None
    checks: dict[str, CheckAnswer] = dataclasses.field(default_factory=dict)
    groups: dict[str, GroupAnswer] = dataclasses.field(default_factory=dict)
    answered_at: float = float("-inf")
    queried_at: float = float("-inf")
    problem: str = NOT_QUERIED
    offset: float | None = None

    @property
    def name(self) -> str:
        """Its region; its address before it has ever answered, or where no region is set."""
        if self.answer is None or self.answer.region == NO_REGION:
            return show_host(self.url)
        return clean(self.answer.region)

    def is_reachable(self, now: float) -> bool:
        """Whether it answers; one lost answer changes nothing."""
        is_recent = now - self.answered_at <= GONE_SECONDS
        return self.answer is not None and (not self.problem or is_recent)

    def is_trusted(self, now: float) -> bool:
        """Whether it reaches a majority itself: without one it may hold on to a resolved alert."""
        age = self.answer.quorum_age if self.answer else None
        return age is None or age + now - self.answered_at <= TRUST_SECONDS

    def record_answer(
        self, query: Query, answer: MemberAnswer, queried_at: float, now: float
    ) -> None:
        """It has answered, directly or through a witness, a query of ``queried_at``. What it says
        may be as old as that; an answer that comes after one to a later query is dropped."""
        if queried_at < self.queried_at:
            return
        if self.answer is None or self.answer.id != answer.id:
            self.checks, self.groups = {}, {}
        self.answer, self.answered_at, self.queried_at = answer, now, queried_at
        for queried in query.asks:
            self.checks[queried.check] = CheckAnswer(answer.checks.get(queried.check), queried_at)
        for group in query.groups or ():
            self.groups[group] = _group_answer(answer, group, queried_at)

    def forget_all_but(self, checks: Iterable[str], groups: Iterable[str]) -> None:
        """Nothing else is asked for any more."""
        wanted = frozenset(checks)
        self.checks = {name: each for name, each in self.checks.items() if name in wanted}
        wanted = frozenset(groups)
        self.groups = {name: each for name, each in self.groups.items() if name in wanted}


def _group_answer(answer: MemberAnswer, group: str, now: float) -> GroupAnswer:
    return GroupAnswer(
        answered_at=now,
        sees=group in answer.sees,
        open=group in answer.open,
        owns=frozenset(name for name, key in answer.owns if key == group),
        holds=frozenset(name for name, key in answer.holds if key == group),
        ends=frozenset(name for name, key in answer.ends if key == group),
        ended={name: now - age for name, key, age in answer.ended if key == group},
        pending={name: now - age for name, key, age in answer.pending if key == group},
        sending={name: now - age for name, key, age in answer.sending if key == group},
        opened={name: now - age for name, key, age in answer.opened if key == group},
        incident=next((name for key, name in answer.incidents if key == group), ""),
    )
