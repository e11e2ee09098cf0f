"""Milliseconds by state, added up over segments and aggregates."""

from collections.abc import Sequence
from dataclasses import dataclass

from probe.history.uptime.model import SubjectKind, Uptime
from probe.history.uptime.segments import MILLISECOND, Segment, SegmentState

Key = tuple[SubjectKind, str]


@dataclass(slots=True)
class StateTotals:
    """Milliseconds; ``degraded`` is part of ``up``."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0

    def add(self, kind: SubjectKind, state: SegmentState, milliseconds: int) -> None:
        """A check is down in every failure; a group only where one of it is critical."""
        match state:
            case SegmentState.UNKNOWN:
                self.unknown += milliseconds
            case SegmentState.OK:
                self.up += milliseconds
            case SegmentState.DEGRADED if kind is not SubjectKind.CHECK:
                self.up += milliseconds
                self.degraded += milliseconds
            case _:
                self.down += milliseconds

    def add_row(self, up: int, degraded: int, down: int, unknown: int) -> None:
        """The sums of an aggregate."""
        self.up += up
        self.degraded += degraded
        self.down += down
        self.unknown += unknown

    def uptime(self, start: float, end: float) -> Uptime:
        """In seconds."""
        return Uptime(
            start,
            end,
            self.up * MILLISECOND,
            self.degraded * MILLISECOND,
            self.down * MILLISECOND,
            self.unknown * MILLISECOND,
        )


def total_of(kind: SubjectKind, found: Sequence[Segment], start: int, end: int) -> StateTotals:
    """The part of segments from ``start`` until ``end``, in milliseconds since 1970."""
    totals = StateTotals()
    for state, begun, ended in found:
        inside = min(ended, end) - max(begun, start)
        if inside > 0:
            totals.add(kind, state, inside)
    return totals


def by_place(
    kind: SubjectKind, found: Sequence[Segment], first: int, last: int, width: int
) -> dict[int, StateTotals]:
    """Totals by hour or day from ``first`` until before ``last``, counted since 1970; ``width``
    is in milliseconds. Only of those that have any."""
    totals: dict[int, StateTotals] = {}
    for state, begun, ended in found:
        for place in range(max(begun // width, first), min((ended - 1) // width + 1, last)):
            inside = min(ended, (place + 1) * width) - max(begun, place * width)
            if inside > 0:
                totals.setdefault(place, StateTotals()).add(kind, state, inside)
    return totals
