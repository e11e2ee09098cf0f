"""Milliseconds by state, added up over segments and aggregates."""

from collections.abc import Sequence
from dataclasses import dataclass

from probe.history.uptime.model import SubjectKind, Uptime
from probe.history.uptime.segments import MILLISECOND, Segment, SegmentState

Key = tuple[SubjectKind, str]
_HOUR_MS = 3_600_000


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
    for each in found:
        inside = min(each.end, end) - max(each.start, start)
        if inside > 0:
            totals.add(kind, each.state, inside)
    return totals


def by_hour(
    kind: SubjectKind, found: Sequence[Segment], first: int, last: int
) -> dict[int, StateTotals]:
    """Totals by hour from ``first`` until before ``last``, which are hours since 1970. Only of
    those that have any."""
    totals: dict[int, StateTotals] = {}
    for each in found:
        hours = range(max(each.start // _HOUR_MS, first), min((each.end - 1) // _HOUR_MS + 1, last))
        for hour in hours:
            inside = min(each.end, (hour + 1) * _HOUR_MS) - max(each.start, hour * _HOUR_MS)
            if inside > 0:
                totals.setdefault(hour, StateTotals()).add(kind, each.state, inside)
    return totals
