"""One judge for each statistic: met, missed, not decided.

By time, a budget is kept or overspent: what was measured is the window itself. By count, a share is
known as exactly as its interval says. While the window lasts, and may be looked at any number of
times, the interval is one that holds at every moment; at its end it is Wilson's.
"""

import math
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from probe.confidence_intervals import wilson_interval
from probe.core.model import LimitSide, Unit
from probe.gate.averages import average
from probe.gate.confidence_intervals import (
    anytime_interval,
    nearest_rank,
    quantile_interval,
)
from probe.gate.objectives import BEYOND, Statistic
from probe.gate.tally import Tally
from probe.report.gate.model import (
    CaseCount,
    Decision,
    Estimate,
    GateWindow,
    TimeCount,
)
from probe.report.text.units import show

# Of the error that the confidence leaves, the part that looking early may spend.
EARLY_PART = 0.2


class Levels(Struct, frozen=True):
    """``final`` is the confidence of the intervals at the end, ``early`` that of those which
    are looked at again and again; ``early`` is shared by so many objectives."""

    confidence: float
    sequential: bool
    objectives: int = 1

    @property
    def final(self) -> float:
        """What is left of the error once early looks have spent their part."""
        error = 1 - self.confidence
        return 1 - error * (1 - EARLY_PART) if self.sequential else self.confidence

    @property
    def early(self) -> float:
        """Bonferroni's correction: one wrong early decision among all objectives at most."""
        return 1 - (1 - self.confidence) * EARLY_PART / max(self.objectives, 1)


class ObjectiveFinding(Struct, frozen=True):
    """What a judge has found, with the figures that it rests on."""

    decision: Decision
    reason: str
    estimate: Estimate | None = None
    by_count: CaseCount | None = None
    by_time: TimeCount | None = None
    budget_left: float | None = None


def _availability(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    found = _by_time(tally, window, 1 - tally.objective.limit)
    time, counted = found.by_time, CaseCount(tally.cases, tally.bad)
    if time is None or time.measured <= 0:
        return ObjectiveFinding(found.decision, found.reason, by_count=counted, by_time=time)
    measured = time.measured
    estimate = Estimate(1 - time.bad / measured, 1 - time.high / measured, 1 - time.low / measured)
    return replace(found, estimate=estimate, by_count=counted)


def _gauge(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """A value that holds until the next: beyond the limit for at most a twentieth of the time."""
    found = _by_time(tally, window, BEYOND)
    counted = CaseCount(tally.cases, tally.bad)
    return replace(found, estimate=_p95(tally, levels.final), by_count=counted)


def _by_time(tally: Tally, window: GateWindow, allowed_share: float) -> ObjectiveFinding:
    time = tally.time_until(window.end)
    allowed = allowed_share * window.planned * max(tally.series, 1)
    count = TimeCount(time.bad, time.low, time.high, time.measured, allowed)
    left = 1 - time.bad / allowed if allowed > 0 else (0.0 if time.bad else 1.0)
    spent = f"{_seconds(time.bad)} bad, {_seconds(allowed)} allowed"
    if time.low > allowed:
        decision, reason = Decision.MISSED, f"{spent}: overspent"
    elif time.high + _left(window) * max(tally.series, 1) <= allowed:
        decision, reason = Decision.MET, spent
    elif window.is_complete:
        reason = f"{spent}; between {_seconds(time.low)} and {_seconds(time.high)} are possible"
        decision = Decision.NOT_DECIDED
    else:
        decision, reason = Decision.NOT_DECIDED, f"{spent}, so far"
    return ObjectiveFinding(decision, reason, by_time=count, budget_left=left)


def _left(window: GateWindow) -> float:
    """Seconds that are to come."""
    return 0.0 if window.is_complete else window.planned - window.elapsed


def _success(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """The share of runs that pass, by count."""
    allowed = 1 - tally.objective.limit
    found, low, high = _by_count(tally, window, levels, allowed)
    if not tally.cases:
        return found
    share = tally.bad / tally.cases
    return _with(found, Estimate(1 - share, 1 - high, 1 - low), tally, window)


def _ratio(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """The share of values that are 1, by count; ``bad`` counts those on the bad side."""
    objective = tally.objective
    below = objective.bad is LimitSide.BELOW
    found, low, high = _by_count(
        tally, window, levels, 1 - objective.limit if below else objective.limit
    )
    if not tally.cases:
        return found
    share = tally.bad / tally.cases
    estimate = Estimate(1 - share, 1 - high, 1 - low) if below else Estimate(share, low, high)
    return _with(found, estimate, tally, window)


def _quantile(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """A p95: at most one value in twenty is beyond the limit."""
    found, _, _ = _by_count(tally, window, levels, BEYOND)
    return _with(found, _p95(tally, levels.final), tally, window)


def _by_count(
    tally: Tally, window: GateWindow, levels: Levels, allowed: float
) -> tuple[ObjectiveFinding, float, float]:
    """The finding, and the interval of the share of bad cases."""
    complete = window.is_complete
    interval = wilson_interval if complete else anytime_interval
    level = levels.final if complete else levels.early
    low, high = interval(tally.bad, tally.cases, level)
    finding = f"{tally.bad:,} of {tally.cases:,} bad, {show(allowed, Unit.RATIO)} allowed"
    if low > allowed:
        decision, reason = Decision.MISSED, f"{finding}: surely more"
    elif high <= allowed and tally.cases:
        decision, reason = Decision.MET, f"{finding}: surely fewer"
    else:
        decision, reason = Decision.NOT_DECIDED, f"{finding}: too few cases to tell"
    if not complete:
        low, high = wilson_interval(tally.bad, tally.cases, levels.confidence)
    return ObjectiveFinding(decision, reason, by_count=_cases(tally, window, allowed)), low, high


def _cases(tally: Tally, window: GateWindow, allowed: float) -> CaseCount:
    """How many bad cases the whole window may have, at the rate of cases so far."""
    scale = max(1.0, window.planned / window.elapsed) if window.elapsed > 0 else 1.0
    return CaseCount(tally.cases, tally.bad, allowed * tally.cases * scale)


def _with(
    found: ObjectiveFinding, estimate: Estimate | None, tally: Tally, window: GateWindow
) -> ObjectiveFinding:
    time, count = tally.time_until(window.end), found.by_count
    by_time = TimeCount(time.bad, time.low, time.high, time.measured)
    allowed = count.allowed if count else None
    left = 1 - tally.bad / allowed if allowed else None
    return replace(found, estimate=estimate, by_time=by_time, budget_left=left)


def _mean(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """The mean of a share that the target reports."""
    objective = tally.objective
    if not tally.cases:
        return ObjectiveFinding(Decision.NOT_DECIDED, "nothing was measured")
    level = levels.final if window.is_complete else levels.early
    value, low, high, of = average(tally, level)
    unit, limit = objective.unit, objective.limit
    finding = f"{show(value, unit)} {of}"
    worst, best = (high, low) if objective.bad is LimitSide.ABOVE else (low, high)
    if math.isfinite(best) and objective.is_bad(best):
        decision, reason = Decision.MISSED, f"{finding}: surely beyond {show(limit, unit)}"
    elif math.isfinite(worst) and not objective.is_bad(worst):
        decision, reason = Decision.MET, f"{finding}: surely within {show(limit, unit)}"
    else:
        decision, reason = Decision.NOT_DECIDED, f"{finding}: too few or too scattered to tell"
    if unit is Unit.RATIO:
        low, high = max(low, 0.0), min(high, 1.0)
    found = ObjectiveFinding(decision, reason, by_count=CaseCount(tally.cases, tally.bad))
    return _with(found, Estimate(value, low, high), tally, window)


def _last(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """The newest value of each series."""
    objective, values = tally.objective, list(tally.newest.values())
    if not values:
        return ObjectiveFinding(Decision.NOT_DECIDED, "nothing was measured")
    value = max(values) if objective.bad is LimitSide.ABOVE else min(values)
    bad = objective.is_bad(value)
    shown = f"{show(value, objective.unit)} at last"
    counted = CaseCount(tally.cases, tally.bad)
    estimate = Estimate(value, value, value)
    if not window.is_complete:
        return ObjectiveFinding(Decision.NOT_DECIDED, f"{shown} so far", estimate, counted)
    return ObjectiveFinding(Decision.MISSED if bad else Decision.MET, shown, estimate, counted)


def _increase(tally: Tally, window: GateWindow, levels: Levels) -> ObjectiveFinding:
    """How much a counter has risen."""
    value, counted = tally.increase, CaseCount(tally.cases, tally.bad)
    estimate, shown = Estimate(value, value, value), f"rose by {value:g}"
    if tally.objective.is_bad(value):
        return ObjectiveFinding(Decision.MISSED, shown, estimate, counted)
    decision = Decision.MET if window.is_complete else Decision.NOT_DECIDED
    return ObjectiveFinding(decision, shown, estimate, counted)


def _p95(tally: Tally, confidence: float) -> Estimate | None:
    """The percentile on the bad side: the 5th where low values are bad."""
    if not tally.values:
        return None
    quantile = 1 - BEYOND if tally.objective.bad is LimitSide.ABOVE else BEYOND
    ordered = sorted(tally.values)
    low, high = quantile_interval(ordered, quantile, confidence)
    return Estimate(nearest_rank(ordered, quantile), low, high)


def _seconds(value: float) -> str:
    return show(value, Unit.SECONDS)


JUDGES: Mapping[Statistic, Callable[[Tally, GateWindow, Levels], ObjectiveFinding]] = {
    Statistic.AVAILABILITY: _availability,
    Statistic.TIME: _gauge,
    Statistic.SUCCESS: _success,
    Statistic.RATIO: _ratio,
    Statistic.P95: _quantile,
    Statistic.MEAN: _mean,
    Statistic.LAST: _last,
    Statistic.INCREASE: _increase,
}
