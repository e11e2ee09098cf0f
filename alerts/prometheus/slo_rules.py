"""Objectives over 30 days, and rules on how fast their error budgets burn.

Multi-window, multi-burn-rate alerts as in chapter 5 of The Site Reliability Workbook
(Google, 2018): fast firing pages if the failure would page, slow firing is a warning. An
error is a share from 0 to 1 of the time, not of the runs: after a failure runs are denser,
and would count it several times. Where the operators set no warning, the
severity is ``info``, which our routes send to no receiver.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from alerts.prometheus.failure_rules import steps
from alerts.prometheus.promql import Alerting, Recording, Rule, duration, number, on
from alerts.runbooks import slug_for
from probe.core.kind import Kind
from probe.core.model import Aggregation, LimitSide, Threshold, Unit, Verdict

BURN = "ProbeBudgetBurn"
ERROR = "probe:objective:error"
PERIOD = 30 * 86400.0
AVAILABILITY = "availability"
# A p95 within its objective is 95 % of the runs within it.
_P95_BUDGET = 0.05


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget burns (1: all of it in 30 days), seen over two windows in seconds."""

    rate: float
    long: float
    short: float
    pages: bool


BURNS = (
    Burn(14.4, 3600, 300, True),
    Burn(6, 6 * 3600, 1800, True),
    Burn(3, 86400, 7200, False),
    Burn(1, 3 * 86400, 6 * 3600, False),
)
# Longer windows are computed from shorter ones, and evaluated less often.
_SHORT = (300.0, 1800.0, 3600.0, 7200.0, 21600.0)
_LONG = (86400.0, 3 * 86400.0, PERIOD)


@dataclass(frozen=True, slots=True)
class Objective:
    """What is promised of a kind: ``budget`` is the share of errors that it allows, ``error``
    the share of errors at this moment, in PromQL. ``threshold`` is None for availability."""

    kind: Kind[Any, Any]
    name: str
    error: str
    budget: float
    threshold: Threshold | None = None


def objectives_of(kinds: Iterable[Kind[Any, Any]]) -> list[Objective]:
    """Availability of every kind, and every objective on a value that has a budget."""
    found = []
    for kind in kinds:
        error = f'(1 - probe_success{{kind="{kind.name}"}})'
        budget = 1 - kind.availability
        found.append(Objective(kind, AVAILABILITY, error, budget))
        found += [each for each in (_of(kind, t) for t in kind.thresholds) if each is not None]
    return found


def without_budget(threshold: Threshold) -> bool:
    """Whether an objective is kept or not, with nothing in between: a count, a security header."""
    return threshold.limits.objective is not None and _budget(threshold) is None


def _budget(threshold: Threshold) -> float | None:
    objective = threshold.limits.objective
    if objective is None:
        return None
    if threshold.aggregation is Aggregation.P95:
        return _P95_BUDGET
    if threshold.signal.unit is not Unit.RATIO:
        return None
    budget = objective if threshold.bad is LimitSide.ABOVE else 1 - objective
    return budget if 0 < budget < 1 else None


def _of(kind: Kind[Any, Any], threshold: Threshold) -> Objective | None:
    budget, objective = _budget(threshold), threshold.limits.objective
    if budget is None or objective is None:
        return None
    signal = f'{threshold.signal.name}{{kind="{kind.name}"}}'
    above = threshold.bad is LimitSide.ABOVE
    if threshold.aggregation is Aggregation.P95:
        error = f"({signal} {'>' if above else '<'} bool {number(objective)})"
    else:
        error = f"({signal} * 1)" if above else f"(1 - {signal})"
    name = threshold.signal.name.removeprefix("probe_")
    return Objective(kind, name, error, budget, threshold)


def windowed(window: float) -> str:
    """The recorded mean error of a window."""
    return f"{ERROR}_{duration(window)}"


def errors(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    """Every objective's error at this moment."""
    for objective in objectives_of(kinds):
        labels = {"kind": objective.kind.name, "objective": objective.name}
        expr = f"{objective.error} * {on()} group_left(subject) probe_check_info"
        yield Recording(ERROR, expr, labels)


def short_windows() -> Iterator[Rule]:
    """The error over minutes and hours."""
    for window in _SHORT:
        yield Recording(windowed(window), f"avg_over_time({ERROR}[{duration(window)}])")


def long_windows() -> Iterator[Rule]:
    """The error over days, computed from five minutes each."""
    base = windowed(_SHORT[0])
    for window in _LONG:
        yield Recording(windowed(window), f"avg_over_time({base}[{duration(window)}])")


def alerts(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    """A rule for each objective and burn rate that its budget leaves room for."""
    for objective in objectives_of(kinds):
        for burn in BURNS:
            if burn.rate * objective.budget < 1:
                yield _alert(objective, burn)


def _severity(objective: Objective, burn: Burn) -> str:
    threshold, failing = objective.threshold, objective.kind.failing
    if threshold is not None:
        return "info" if threshold.limits.warning is None else "warning"
    pages = (
        burn.pages and failing.severity is Verdict.CRITICAL and failing.severity_with_backup is None
    )
    return "critical" if pages else "warning"


def _alert(objective: Objective, burn: Burn) -> Alerting:
    severity = _severity(objective, burn)
    which = f'{{kind="{objective.kind.name}", objective="{objective.name}"}}'
    limit = number(burn.rate * objective.budget)
    labels = {
        "kind": objective.kind.name,
        "objective": objective.name,
        "severity": severity,
        "scope": "region",
        "burn_window": duration(burn.long),
    }
    expr = f"{windowed(burn.long)}{which} > {limit}\nand {windowed(burn.short)}{which} > {limit}"
    if severity == "critical":
        expr = f'{expr}\nand {on()} probe_check_info{{severity="critical"}}'
    rule = objective.threshold.signal.name if objective.threshold else "failing"
    slug = slug_for(objective.kind, rule)
    annotations = {
        "summary": "{{ $labels.check }}, from {{ $labels.region }}: the error budget of "
        "{{ $labels.objective }} burns " + number(burn.rate) + " times too fast",
        "description": f"Over {duration(burn.long)} and {duration(burn.short)}, "
        "{{ $value | humanizePercentage }} of the time were errors; 30 days allow "
        f"{number(100 * objective.budget)} %.\n{steps(slug)}",
        "runbook": slug,
    }
    return Alerting(BURN, expr, labels, annotations)
