"""The report of a release gate: data only.

Moments are seconds since 1970 (UTC), durations seconds, shares ratios from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from probe.core.model import LimitSide, Unit, Verdict


class GateVerdict(StrEnum):
    """How a watch ends."""

    GO = "go"
    ROLL_BACK = "roll_back"
    NOT_DECIDED = "not_decided"


EXIT_CODES: Mapping[GateVerdict, int] = {
    GateVerdict.GO: 0,
    GateVerdict.ROLL_BACK: 2,
    GateVerdict.NOT_DECIDED: 3,
}


class Decision(StrEnum):
    """How one objective ends."""

    MET = "met"
    MISSED = "missed"
    NOT_DECIDED = "not_decided"


class Estimate(Struct, frozen=True):
    """A measured value with its confidence interval, in the objective's unit."""

    value: float
    low: float
    high: float


class CaseCount(Struct, frozen=True):
    """The measure by count: so many cases, of which so many were bad, and how many bad ones the
    whole window may have (None where the objective isn't one of cases)."""

    cases: int
    bad: int
    allowed: float | None = None


class TimeCount(Struct, frozen=True):
    """The measure by time: for how many seconds it was bad, and at least and at most, because what
    changed between two runs changed at an unknown moment; how many were measured, and allowed."""

    bad: float
    low: float
    high: float
    measured: float
    allowed: float | None = None


class ObjectiveRow(Struct, frozen=True):
    """One objective, measured and judged.

    ``estimate`` is None where nothing was measured. ``budget_left`` is the share of what the
    window may have of bad time or bad cases that is left; negative: overspent. ``blocks``: an
    objective that is not decided keeps the gate from saying go.
    """

    name: str
    statistic: str
    unit: Unit
    limit: float
    bad_side: LimitSide
    decision: Decision
    reason: str
    estimate: Estimate | None = None
    by_count: CaseCount | None = None
    by_time: TimeCount | None = None
    budget_left: float | None = None
    blocks: bool = True


class IncidentRow(Struct, frozen=True):
    """One incident: checks that failed at the same time, and why. ``end`` is None while it
    lasts; ``duration`` are the seconds inside the window."""

    start: float
    end: float | None
    duration: float
    verdict: Verdict
    checks: tuple[str, ...]
    cause: str
    message: str
    runs: int


class GapRow(Struct, frozen=True):
    """A time without results: the probe, its machine or its network did not run."""

    start: float
    end: float
    reason: str

    @property
    def duration(self) -> float:
        """Seconds."""
        return max(0.0, self.end - self.start)


class MarkerRow(Struct, frozen=True):
    """A deployment or another event on the timeline."""

    at: float
    text: str


class TimelineRow(Struct, frozen=True):
    """One check's worst verdict in each of equal stretches of the window; None: it did not run."""

    check: str
    cells: tuple[Verdict | None, ...]


class CostRow(Struct, frozen=True):
    """What the watch drew from one quota, or another cost."""

    name: str
    amount: str


class MeasuredSeries(Struct, frozen=True):
    """One signal of one check in a window: so many cases, and a sample of their values. Without a
    ``signal`` it is the check's runs, of which ``bad`` failed."""

    check: str
    signal: str
    unit: Unit
    cases: int
    bad: int = 0
    values: tuple[float, ...] = ()


class ComparisonRow(Struct, frozen=True):
    """One series before and after: medians, or shares of passing runs.

    ``p_value`` is the test's, ``adjusted`` with all comparisons taken into account, ``effect``
    Cliff's delta; None where a side has too few values. ``differs``: by more than noise.
    """

    check: str
    signal: str
    unit: Unit
    before: float | None
    after: float | None
    test: str = ""
    p_value: float | None = None
    adjusted: float | None = None
    effect: float | None = None
    differs: bool = False


class GateWindow(Struct, frozen=True):
    """The time that is judged. ``planned`` are the seconds that were asked for, ``elapsed`` those
    that have passed of them."""

    start: float
    end: float
    planned: float
    elapsed: float

    @property
    def is_complete(self) -> bool:
        """Whether all of the planned time has passed."""
        return self.elapsed >= self.planned - 1e-6


class GateReport(Struct, frozen=True):
    """All of it. ``early`` says why a watch ended before its time; empty: it did not."""

    verdict: GateVerdict
    window: GateWindow
    region: str
    version: str
    confidence: float
    objectives: Sequence[ObjectiveRow]
    incidents: Sequence[IncidentRow] = ()
    gaps: Sequence[GapRow] = ()
    timeline: Sequence[TimelineRow] = ()
    costs: Sequence[CostRow] = ()
    markers: Sequence[MarkerRow] = ()
    skipped: Sequence[tuple[str, str]] = ()
    early: str = ""
    series: Sequence[MeasuredSeries] = ()
    comparison: Sequence[ComparisonRow] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def of(self, decision: Decision) -> list[ObjectiveRow]:
        """The objectives with this decision."""
        return [row for row in self.objectives if row.decision is decision]
