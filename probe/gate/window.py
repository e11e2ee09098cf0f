"""A window of results, judged: the same for a watch that lasts and for the past."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from probe.core.kind import Check
from probe.gate.baseline.series import SeriesCollector
from probe.gate.costs import CostCounter
from probe.gate.incidents import WindowIncidents
from probe.gate.judges import Levels
from probe.gate.judging import judge_objective
from probe.gate.objectives import GateObjective
from probe.gate.tally import Tally
from probe.history.model import ResultRow
from probe.report.gate.model import (
    Decision,
    GateReport,
    GateVerdict,
    GateWindow,
    MarkerRow,
    ObjectiveRow,
)

# How late, in addition to the interval and the deadline of a check, its next result may be.
SLACK_SECONDS = 30.0


class GatePlan(Struct, frozen=True):
    """What is judged: the checks, the objectives, and how sure the gate is to be."""

    checks: Sequence[Check]
    objectives: Sequence[GateObjective]
    region: str
    version: str
    confidence: float = 0.95
    skipped: Sequence[tuple[str, str]] = ()


def holds_of(checks: Iterable[Check]) -> dict[str, float]:
    """For how many seconds a result of each check holds when no other follows."""
    return {check.name: check.interval + check.table.deadline + SLACK_SECONDS for check in checks}


class WindowJudge:
    """Rows in, in the order of writing; a report out at any moment.

    ``start`` is in seconds since 1970, ``planned`` in seconds. ``sequential``: the report may end
    the watch before its time.
    """

    def __init__(
        self, plan: GatePlan, start: float, planned: float, *, sequential: bool = False
    ) -> None:
        self._plan, self._start, self._planned = plan, start, planned
        holds = holds_of(plan.checks)
        intervals = {check.name: check.interval for check in plan.checks}
        self._tallies = [Tally(objective, holds, intervals) for objective in plan.objectives]
        self._by_check: dict[str, list[Tally]] = {}
        for tally in self._tallies:
            for name in tally.objective.checks:
                self._by_check.setdefault(name, []).append(tally)
        self._incidents = WindowIncidents(plan.checks, holds, start, planned)
        self._costs = CostCounter(plan.checks)
        self._series = SeriesCollector(plan.checks)
        self._levels = Levels(plan.confidence, sequential, len(plan.objectives))
        self.rows = 0

    def add(self, row: ResultRow) -> None:
        """A row of the window; one of a check that isn't configured any more is left out."""
        tallies = self._by_check.get(row.check)
        if tallies is None:
            return
        self.rows += 1
        for tally in tallies:
            tally.add(row)
        self._incidents.add(row)
        self._costs.add(row)
        self._series.add(row)

    def window(self, end: float, elapsed: float) -> GateWindow:
        """The window up to a moment."""
        return GateWindow(self._start, end, self._planned, min(elapsed, self._planned))

    def objectives(self, window: GateWindow) -> list[ObjectiveRow]:
        """Every objective at this moment."""
        return [judge_objective(tally, window, self._levels) for tally in self._tallies]

    def report(
        self,
        window: GateWindow,
        *,
        early: str = "",
        interruptions: Iterable[tuple[float, float, str]] = (),
        process: Mapping[str, str] | None = None,
        markers: Sequence[MarkerRow] = (),
        notes: Sequence[str] = (),
    ) -> GateReport:
        """All of it. ``interruptions`` are (start, end, reason) of times without results."""
        plan, rows = self._plan, self.objectives(window)
        return GateReport(
            verdict=verdict_on(rows),
            window=window,
            region=plan.region,
            version=plan.version,
            confidence=plan.confidence,
            objectives=rows,
            incidents=self._incidents.incidents(window.end),
            gaps=self._incidents.gaps(window.end, interruptions),
            timeline=self._incidents.timeline(),
            costs=self._costs.rows(process),
            markers=markers,
            skipped=plan.skipped,
            early=early,
            series=self._series.collect(),
            notes=notes,
        )


def verdict_on(rows: Sequence[ObjectiveRow]) -> GateVerdict:
    """Roll back where one objective is missed; go where all that count are met."""
    if any(row.decision is Decision.MISSED for row in rows):
        return GateVerdict.ROLL_BACK
    counting = [row for row in rows if row.blocks]
    if counting and all(row.decision is Decision.MET for row in counting):
        return GateVerdict.GO
    return GateVerdict.NOT_DECIDED
