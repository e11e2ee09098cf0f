"""Incidents, gaps and the timeline of a window, from its rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from probe.core.kind import Check
from probe.core.model import Verdict
from probe.history.model import ResultRow
from probe.report.gate.model import GapRow, IncidentRow, TimelineRow

CELLS = 96
_NOT_OK = (Verdict.WARNING, Verdict.CRITICAL)
# A value beyond a limit has no cause of its own.
BEYOND_LIMIT = "limit_exceeded"


@dataclass
class _Episode:
    """One check's failure, from its first bad run until the first that isn't."""

    check: str
    start: float
    last: float
    end: float | None = None
    verdict: Verdict = Verdict.WARNING
    causes: Counter[str] = field(default_factory=Counter)
    message: str = ""
    runs: int = 0

    def add(self, row: ResultRow) -> None:
        self.runs += 1
        self.last = row.at
        self.causes[row.cause or BEYOND_LIMIT] += 1
        if row.verdict.rank >= self.verdict.rank:
            self.verdict = row.verdict
            self.message = row.message or self.message

    @property
    def cause(self) -> str:
        return self.causes.most_common(1)[0][0]


class WindowIncidents:
    """Rows in, incidents and the timeline out. ``holds`` is for how many seconds a result of each
    check holds; references are left out."""

    def __init__(
        self, checks: Sequence[Check], holds: Mapping[str, float], start: float, planned: float
    ) -> None:
        self._groups = {
            check.name: check.table.alert_group for check in checks if not check.table.is_reference
        }
        self._holds, self._start, self._planned = holds, start, planned
        self._open: dict[str, _Episode] = {}
        self._closed: list[_Episode] = []
        self._cells: dict[str, list[Verdict | None]] = {
            name: [None] * CELLS for name in self._groups
        }
        self._before: dict[str, tuple[float, Verdict]] = {}
        self._newest = start
        self._gaps: list[tuple[float, float]] = []
        self._shortest_hold = min(holds.values(), default=60.0)

    def add(self, row: ResultRow) -> None:
        """A row of the window, in the order of writing."""
        if row.check not in self._groups:
            return
        self._mark(row)
        if row.at - self._newest > self._shortest_hold:
            self._gaps.append((self._newest, row.at))
        self._newest = max(self._newest, row.at)
        episode = self._open.get(row.check)
        if row.verdict in _NOT_OK:
            if episode is None:
                episode = self._open[row.check] = _Episode(row.check, row.at, row.at)
            episode.add(row)
        elif episode is not None and row.verdict is not Verdict.UNKNOWN:
            episode.end = row.at
            self._close(row.check)

    def incidents(self, end: float) -> list[IncidentRow]:
        """Those that overlap in time and share a cause or an alert group are one."""
        episodes = [*self._closed, *self._open.values()]
        episodes.sort(key=lambda each: each.start)
        merged: list[list[_Episode]] = []
        for episode in episodes:
            for group in merged:
                if any(self._belongs(episode, each, end) for each in group):
                    group.append(episode)
                    break
            else:
                merged.append([episode])
        return [self._row(group, end) for group in merged]

    def gaps(self, end: float, reasons: Iterable[tuple[float, float, str]] = ()) -> list[GapRow]:
        """Times in which no check had a result."""
        found = list(self._gaps)
        if end - self._newest > self._shortest_hold:
            found.append((self._newest, end))
        known = list(reasons)
        return [GapRow(start, stop, _reason(start, stop, known)) for start, stop in found]

    def timeline(self) -> list[TimelineRow]:
        """Of every check that has run."""
        return [
            TimelineRow(name, tuple(cells))
            for name, cells in self._cells.items()
            if any(cell is not None for cell in cells)
        ]

    def _close(self, check: str) -> None:
        self._closed.append(self._open.pop(check))

    def _mark(self, row: ResultRow) -> None:
        place, cells = self._place(row.at), self._cells[row.check]
        before, self._before[row.check] = self._before.get(row.check), (row.at, row.verdict)
        if before is not None and 0 < row.at - before[0] <= self._holds.get(row.check, 0.0):
            for between in range(max(self._place(before[0]) + 1, 0), min(place, CELLS)):
                cells[between] = cells[between] or before[1]
        known = cells[place] if 0 <= place < CELLS else row.verdict
        if known is None or row.verdict.rank > known.rank:
            cells[place] = row.verdict

    def _place(self, at: float) -> int:
        return int((at - self._start) / self._planned * CELLS) if self._planned else 0

    def _belongs(self, one: _Episode, other: _Episode, end: float) -> bool:
        hold = max(self._holds.get(one.check, 0.0), self._holds.get(other.check, 0.0))
        over = end if other.end is None else other.end
        apart = one.start > over + hold
        related = one.cause == other.cause or self._groups[one.check] == self._groups[other.check]
        return related and not apart

    def _row(self, group: Sequence[_Episode], end: float) -> IncidentRow:
        worst = max(group, key=lambda each: (each.verdict.rank, each.runs))
        lasts = any(each.end is None for each in group)
        stop = end if lasts else max(each.end or end for each in group)
        start = min(each.start for each in group)
        causes: Counter[str] = Counter()
        for each in group:
            causes.update(each.causes)
        return IncidentRow(
            start=start,
            end=None if lasts else stop,
            duration=max(0.0, stop - start),
            verdict=worst.verdict,
            checks=tuple(dict.fromkeys(each.check for each in group)),
            cause=worst.cause if worst.cause != BEYOND_LIMIT else causes.most_common(1)[0][0],
            message=worst.message,
            runs=sum(each.runs for each in group),
        )


def _reason(start: float, end: float, known: Sequence[tuple[float, float, str]]) -> str:
    """The reason of the known interruption that overlaps most."""
    best, overlap = "no results", 0.0
    for begun, over, reason in known:
        shared = min(end, over) - max(start, begun)
        if shared > overlap:
            best, overlap = reason, shared
    return best
