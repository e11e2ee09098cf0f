"""Which objectives a window is held against: those of the checks, joined or changed by [[gate]].

The operators' rollback criteria are the objectives of the kinds (error rate, p95, CPU, memory, TURN
fallback) and, for what the probe itself sees, the share of its own requests and calls that pass.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from probe.config.gate_table import GateTable
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.kind import Check
from probe.core.model import Aggregation, LimitSide, Signal, Threshold, Unit, Verdict
from probe.core.thresholds import signals_of_check, thresholds_of


class Statistic(StrEnum):
    """What is made of the results of a window."""

    AVAILABILITY = "availability"
    SUCCESS = "success"
    RATIO = "ratio"
    P95 = "p95"
    TIME = "time"
    MEAN = "mean"
    LAST = "last"
    INCREASE = "increase"


# A p95 within the limit is at most one value in twenty beyond it.
BEYOND = 0.05
# The operators' own: < 0.1 % of requests fail, > 95 % of calls come about.
REQUESTS_PASS, CALLS_PASS = 0.999, 0.95
_REQUESTS, _CALLS = ("http",), ("call", "peer", "journey")


class GateObjective(Struct, frozen=True):
    """One objective. ``checks`` are the names of those whose results count together; ``signal`` is
    None where runs are judged; ``limit`` is in ``unit``; ``range_seconds`` is its signal's."""

    name: str
    checks: frozenset[str]
    statistic: Statistic
    limit: float
    bad: LimitSide
    unit: Unit
    signal: str | None = None
    required: bool | None = None
    core: bool = False
    range_seconds: float = 0.0

    def is_bad(self, value: float) -> bool:
        """Whether a value is beyond the limit."""
        return value > self.limit if self.bad is LimitSide.ABOVE else value < self.limit


def objectives_of(
    checks: Sequence[Check], tables: Iterable[GateTable] = (), *, partial: bool = False
) -> list[GateObjective]:
    """The objectives of a plan. Raises ConfigurationError for a table that doesn't say enough;
    where the checks are a ``partial`` plan, a table that fits none of them is left out."""
    watched = [check for check in checks if not check.table.is_reference]
    found = {each.name: each for each in _defaults(watched)}
    problems: list[ConfigProblem] = []
    for table in tables:
        try:
            made = _from_table(table, found.get(table.name), watched)
        except ValueError as error:
            if not partial:
                problems.append(ConfigProblem(f'[[gate]] "{table.name}"', str(error)))
            continue
        found.pop(table.name, None)
        if made is not None:
            found[made.name] = made
    if problems:
        raise ConfigurationError(problems)
    return list(found.values())


def _defaults(checks: Sequence[Check]) -> Iterable[GateObjective]:
    yield from _pooled("error-rate", checks, _REQUESTS, REQUESTS_PASS)
    yield from _pooled("call-success", checks, _CALLS, CALLS_PASS)
    for check in checks:
        # Warnings don't take a release back.
        if check.table.can_fail and check.failing.severity is Verdict.CRITICAL:
            yield GateObjective(
                name=f"{check.name}/availability",
                checks=frozenset({check.name}),
                statistic=Statistic.AVAILABILITY,
                limit=check.kind.availability,
                bad=LimitSide.BELOW,
                unit=Unit.RATIO,
                core=check.kind.core,
            )
        for threshold in thresholds_of(check):
            if threshold.limits.objective is not None:
                yield _of_threshold(check, threshold, threshold.limits.objective)


def _pooled(
    name: str, checks: Sequence[Check], kinds: Sequence[str], limit: float
) -> Iterable[GateObjective]:
    names = frozenset(check.name for check in checks if check.kind.name in kinds)
    if names:
        success, side = Statistic.SUCCESS, LimitSide.BELOW
        yield GateObjective(name, names, success, limit, side, Unit.RATIO, core=True)


def _of_threshold(check: Check, threshold: Threshold, limit: float) -> GateObjective:
    signal = threshold.signal
    return GateObjective(
        name=f"{check.name}/{signal.name}",
        checks=frozenset({check.name}),
        statistic=statistic_of(signal, threshold),
        limit=limit,
        bad=threshold.bad,
        unit=signal.unit,
        signal=signal.name,
        range_seconds=signal.range_seconds,
        core=check.kind.core and not threshold.optional,
    )


def statistic_of(signal: Signal, threshold: Threshold | None) -> Statistic:
    """What is made of a signal's values unless a table says otherwise."""
    if threshold is not None and threshold.aggregation is Aggregation.RATIO:
        return Statistic.RATIO
    if (threshold is not None and threshold.aggregation is Aggregation.P95) or signal.latency:
        return Statistic.P95
    if signal.unit in (Unit.BOOLEAN, Unit.TIMESTAMP):
        return Statistic.LAST
    if signal.unit is Unit.COUNT and (threshold is None or threshold.bad is LimitSide.ABOVE):
        # What there has to be enough of does not rise where all is well.
        return Statistic.INCREASE
    counted = threshold is not None and threshold.minimum_samples > 1
    if signal.unit is Unit.RATIO and counted:
        return Statistic.MEAN  # a share of users' cases, which the target counts
    promise = signal.unit is Unit.SECONDS and threshold is not None and not counted
    return Statistic.LAST if promise else Statistic.TIME


def _from_table(
    table: GateTable, known: GateObjective | None, checks: Sequence[Check]
) -> GateObjective | None:
    """Raises ValueError."""
    if not table.enabled:
        return None
    base = known or _new(table, checks)
    if table.checks:
        names = frozenset(check.name for check in checks if table.selects(check))
        base = replace(base, checks=names)
    if table.signal is not None and known is not None and table.signal != known.signal:
        raise ValueError("it has another signal: give the new objective a name of its own")
    if table.statistic is not None:
        base = replace(base, statistic=Statistic(table.statistic))
    if table.limit is not None:
        base = replace(base, limit=table.limit)
    if table.bad is not None:
        base = replace(base, bad=LimitSide(table.bad))
    return replace(base, required=table.required)


def _new(table: GateTable, checks: Sequence[Check]) -> GateObjective:
    if table.limit is None:
        raise ValueError('set "limit", or use the name of an objective that there is')
    if not table.checks:
        raise ValueError('set "checks": names or kinds of checks')
    names = frozenset(check.name for check in checks if table.selects(check))
    if table.signal is None:
        statistic = Statistic(table.statistic or Statistic.SUCCESS)
        below = LimitSide.BELOW
        return GateObjective(table.name, names, statistic, table.limit, below, Unit.RATIO)
    signal, threshold = _signal(table.signal, [each for each in checks if each.name in names])
    side = threshold.bad if threshold is not None else LimitSide.ABOVE
    return GateObjective(
        name=table.name,
        checks=names,
        statistic=statistic_of(signal, threshold),
        limit=table.limit,
        bad=side,
        unit=signal.unit,
        signal=signal.name,
        range_seconds=signal.range_seconds,
    )


def _signal(name: str, checks: Sequence[Check]) -> tuple[Signal, Threshold | None]:
    for check in checks:
        thresholds = {each.signal.name: each for each in thresholds_of(check)}
        for signal in signals_of_check(check):
            if signal.name == name:
                return signal, thresholds.get(name)
    raise ValueError(f"none of its checks has the signal {name}")
