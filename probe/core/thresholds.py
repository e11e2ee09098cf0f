"""All signals and thresholds: what the kinds declare, put together."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from probe.core.kind import Check, Kind
from probe.core.model import COMMON, Aggregation, Limits, LimitSide, Signal, Threshold
from probe.core.threshold_config import ThresholdConfig


def signals_of(kind: Kind[Any, Any]) -> tuple[Signal, ...]:
    """Every signal that a check of this kind can have."""
    return COMMON + kind.signals


def signals_of_check(check: Check) -> tuple[Signal, ...]:
    """Every signal that this check can have: its kind's, and those that are its own."""
    return COMMON + check.signals


def all_signals(kinds: Iterable[Kind[Any, Any]]) -> tuple[Signal, ...]:
    """Every signal of all kinds, each once."""
    found = {signal.name: signal for kind in kinds for signal in signals_of(kind)}
    return tuple(found.values())


def thresholds_of(check: Check) -> tuple[Threshold, ...]:
    """The thresholds in force for one check: the kind's, replaced or joined by its own.

    A window is never too short for the samples that it needs at the check's interval.
    """
    table = check.table
    own = table.thresholds
    default = {
        threshold.signal.name: threshold
        for threshold in (*check.kind.thresholds, *table.check_thresholds)
        if threshold.limits != Limits()
    }
    kept = [
        threshold
        for name, threshold in default.items()
        if name not in own and table.applies_limits_to(threshold.signal)
    ]
    known = {signal.name: signal for signal in signals_of_check(check)}
    set_here = [_own(known[name], default.get(name), limits) for name, limits in own.items()]
    return tuple(_reachable(threshold, check) for threshold in (*kept, *set_here))


def limits_are_ordered(threshold: Threshold) -> bool:
    """Whether a more severe limit is never reached before a less severe one."""
    limits = threshold.limits
    ladder = [limits.objective, limits.warning, limits.critical]
    given = [limit for limit in ladder if limit is not None]
    return given == sorted(given, reverse=threshold.bad is LimitSide.BELOW)


# What is no percentile of fewer, and the time over which it is made unless one is given.
_LEAST_SAMPLES = {Aggregation.P95: 20}
_WINDOW = 300.0
# Runs that fail or are skipped leave a window short of samples: room for one in five.
SPARE = 1.25


def _reachable(threshold: Threshold, check: Check) -> Threshold:
    if not threshold.window:
        return threshold
    runs = SPARE * threshold.minimum_samples / check.table.samples_in_a_run(threshold.signal)
    return replace(threshold, window=max(threshold.window, math.ceil(runs) * check.interval))


def _own(signal: Signal, default: Threshold | None, table: ThresholdConfig) -> Threshold:
    limits = Limits(table.objective, table.warning, table.critical)
    threshold = replace(default or Threshold(signal, limits), limits=limits, **table.terms)
    least = _LEAST_SAMPLES.get(threshold.aggregation, 1)
    return replace(
        threshold,
        minimum_samples=max(threshold.minimum_samples, least),
        window=threshold.window or (_WINDOW if least > 1 else 0.0),
    )
