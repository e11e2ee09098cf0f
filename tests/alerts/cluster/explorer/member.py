"""A member of the modelled cluster: what it saw, what the others last said, what it has sent
and what waits."""

import copy
from dataclasses import dataclass, field

from msgspec import Struct

from alerts.cluster.decisions.leader import NotifyTurn
from alerts.cluster.decisions.quorum import QuorumState
from alerts.model import Alert, Fingerprint, Severity

NAMES = ("lax", "fra", "nrt")
CHECKS = (0, 1)
CHAT, PAGER = "chat", "pager"
ALERTS = tuple(
    Alert(
        Fingerprint(f"c{check}", "failing"),
        Severity.CRITICAL,
        since=0.0,
        fired=0.0,
        summary="fails",
        kind="toy",
        target="t",
        region="",
        runbook="any",
    )
    for check in CHECKS
)


class Said(Struct, frozen=True):
    """What a member last answered, and when."""

    answered_at: float
    looked: tuple[float | None, ...]
    since: tuple[float | None, ...]
    sees: bool
    open: bool
    owns: bool
    holds: bool
    pending: bool
    sending: float | None
    ended: dict[str, float]
    quorum_at: float
    opened: float | None
    ends: bool


class Waiting(Struct, frozen=True):
    """A message that waits for its receiver since ``at``. ``failed``: an attempt to deliver it
    has failed, whether or not the receiver took it."""

    receiver: str
    fires: bool
    at: float
    failed: bool = False


@dataclass
class Node:
    """One member. ``since`` is when a check began to fail, ``queue`` what waits for receivers,
    ``attempt`` the one of these that is under way, ``wants`` since when it is about to take a
    group over."""

    name: str
    alive: bool = True
    since: list[float | None] = field(default_factory=lambda: [None, None])
    looked: list[float | None] = field(default_factory=lambda: [None, None])
    states: list[QuorumState | None] = field(default_factory=lambda: [None, None])
    said: dict[str, Said] = field(default_factory=dict)
    views: dict[str, tuple[float, str]] = field(default_factory=dict)
    queue: list[Waiting] = field(default_factory=list)
    attempt: Waiting | None = None
    ended: dict[str, float] = field(default_factory=dict)
    begun: float | None = None
    over_since: float | None = None
    turn: NotifyTurn | None = None
    wants: float | None = None
    quorum_at: float = 0.0
    round_at: float | None = None

    def restart(self, now: float) -> None:
        """What is kept on the disk stays: failing checks, views and the queue."""
        kept = Node(
            self.name, since=self.since, views=self.views, queue=self.queue, ended=self.ended
        )
        self.__dict__.update(kept.__dict__, quorum_at=now)

    def withdraw(self, receiver: str, last: Waiting | None = None) -> None:
        """Nothing that waits for a receiver is sent, or nothing up to the ``last``; an attempt
        under way at it ends."""
        until = self.queue.index(last) + 1 if last in self.queue else len(self.queue)
        gone = [each for each in self.queue[:until] if each.receiver == receiver]
        if not all(each.fires for each in gone):
            # An end that nobody has been sent is no end.
            self.ended.pop(receiver, None)
        self.queue = [each for each in self.queue if each not in gone]
        if self.attempt in gone:
            self.attempt = None

    def end_attempt(self, receiver: str) -> None:
        """An attempt at a receiver that is under way ends."""
        if self.attempt is not None and self.attempt.receiver == receiver:
            self.attempt = None

    def copied(self) -> "Node":
        """A copy that shares nothing that changes."""
        other = copy.copy(self)
        for name in ("since", "looked", "states", "queue"):
            setattr(other, name, [*getattr(self, name)])
        for name in ("said", "views", "ended"):
            setattr(other, name, {**getattr(self, name)})
        return other

    def key(self, now: float) -> list[object]:
        """The same for members that behave the same: times count by their age, up to a limit."""

        def age(at: float | None) -> object:
            return None if at is None else min(now - at, 250.0)

        parts: list[object] = [self.alive, [*map(age, self.since)], [*map(age, self.looked)]]
        parts.append([s and (s.scope.value, age(s.disputed_since), s.agreed) for s in self.states])
        parts.append([(r, age(at), owner) for r, (at, owner) in sorted(self.views.items())])
        parts.append(
            [(each.receiver, each.fires, age(each.at), each.failed) for each in self.queue]
        )
        parts.append(self.attempt and self.queue.index(self.attempt))
        turn = self.turn and (age(self.turn.at), sorted(self.turn.before))
        times = (self.begun, self.over_since, self.wants, self.quorum_at, self.round_at)
        parts += [turn, *map(age, times)]
        for name, said in sorted(self.said.items()):
            flags = (said.sees, said.open, said.owns, said.holds, said.pending)
            parts += [name, age(said.answered_at), flags, age(said.sending), age(said.quorum_at)]
            parts += [[*map(age, said.looked)], [*map(age, said.since)]]
        return parts
