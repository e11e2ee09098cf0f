"""A member of the modelled cluster: what it saw, what the others last said, what it has sent."""

import copy
from dataclasses import dataclass, field

from alerts.cluster.leader import Turn
from alerts.cluster.quorum import (
    QuorumState,
)
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


@dataclass(frozen=True)
class Said:
    """What a member last answered, and when."""

    heard: float
    looked: tuple[float | None, ...]
    since: tuple[float | None, ...]
    sees: bool
    open: bool
    owns: bool
    holds: bool
    pending: bool
    ended: dict[str, float]
    quorum_at: float
    opened: float | None
    ends: bool


@dataclass
class Node:
    """One member. ``since`` is when a check began to fail, ``queue`` what waits for receivers
    as (receiver, fires, at)."""

    name: str
    alive: bool = True
    since: list[float | None] = field(default_factory=lambda: [None, None])
    looked: list[float | None] = field(default_factory=lambda: [None, None])
    states: list[QuorumState | None] = field(default_factory=lambda: [None, None])
    said: dict[str, Said] = field(default_factory=dict)
    views: dict[str, tuple[float, str]] = field(default_factory=dict)
    queue: list[tuple[str, bool, float]] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)
    begun: float | None = None
    over_since: float | None = None
    turn: Turn | None = None
    quorum_at: float = 0.0
    round_at: float | None = None

    def restart(self, now: float) -> None:
        """What is kept on the disk stays: failing checks, views and the queue."""
        kept = Node(
            self.name, since=self.since, views=self.views, queue=self.queue, ended=self.ended
        )
        self.__dict__.update(kept.__dict__, quorum_at=now)

    def copied(self) -> "Node":
        """A copy that shares nothing that changes."""
        other = copy.copy(self)
        for name in ("since", "looked", "states", "queue"):
            setattr(other, name, [*getattr(self, name)])
        for name in ("said", "views", "ended"):
            setattr(other, name, {**getattr(self, name)})
        return other
