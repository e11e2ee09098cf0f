"""From measurements to decisions: one objective of a window, as its report shows it."""

from msgspec.structs import replace

from probe.core.model import Unit
from probe.gate.judges import JUDGES, Levels, ObjectiveFinding
from probe.gate.objectives import Statistic
from probe.gate.tally import Tally
from probe.report.gate.model import Decision, GateWindow, ObjectiveRow
from probe.report.text.units import show

# With less of the window measured than this, an objective isn't met.
MIN_COVERAGE = 0.9
_COVERAGE_INDEPENDENT = (Statistic.LAST, Statistic.INCREASE)


def judge_objective(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveRow:
    """One objective at this moment."""
    objective = tally.objective
    found = JUDGES[objective.statistic](tally, window, levels)
    measured = tally.cases > 0
    if not measured:
        found = ObjectiveFinding(Decision.NOT_DECIDED, "nothing was measured")
    elif found.decision is Decision.MET:
        found = _unless_uncovered(found, tally, window)
    required = objective.required
    return ObjectiveRow(
        name=objective.name,
        statistic=objective.statistic.value,
        unit=objective.unit,
        limit=objective.limit,
        bad_side=objective.bad,
        decision=found.decision,
        reason=found.reason,
        estimate=found.estimate,
        by_count=found.by_count,
        by_time=found.by_time,
        budget_left=found.budget_left,
        blocks=(measured or objective.core) if required is None else required,
    )


def _unless_uncovered(
    found: ObjectiveFinding, tally: Tally, window: GateWindow
) -> ObjectiveFinding:
    """Not met where too little of the window was measured."""
    time = tally.time_until(window.end)
    elapsed = window.elapsed * max(tally.series, 1)
    # A series that came later (a machine that a deployment started) covers its own time.
    covered = time.measured / elapsed if elapsed > 0 else 0.0
    if covered >= MIN_COVERAGE or tally.objective.statistic in _COVERAGE_INDEPENDENT:
        return found
    reason = f"only {show(covered, Unit.RATIO)} of the time was measured"
    return replace(found, decision=Decision.NOT_DECIDED, reason=reason)
