"""All signals and thresholds: what the kinds declare, put together; and what a value beyond a
limit is called."""

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from probe.core.kind import Check, Kind
from probe.core.model import COMMON, Aggregation, Limits, LimitSide, Signal, Threshold, Unit
from probe.core.tables.threshold_config import ThresholdConfig

# The names under which alerting keeps the alerts of a check that are about no signal.
FAILING, NO_DATA = "failing", "no-data"
_CERTIFICATE = "certificate"


class Symptom(StrEnum):
    """What is wrong, in one word: the label ``symptom`` of an alert, and the end of its name in
    Prometheus (``TurnRelayDown``, ``SignalingSlow``)."""

    DOWN = "down"
    SLOW = "slow"
    DEGRADED = "degraded"
    CERTIFICATE = "certificate"
    NO_DATA = "no-data"

    @property
    def suffix(self) -> str:
        """The end of an alert's name."""
        return _SUFFIXES[self]


_SUFFIXES = {
    Symptom.DOWN: "Down",
    Symptom.SLOW: "Slow",
    Symptom.DEGRADED: "Degraded",
    Symptom.CERTIFICATE: "CertificateExpiring",
    Symptom.NO_DATA: "NoData",
}


def symptom_of(threshold: Threshold) -> Symptom:
    """What a value beyond a limit means: too long a time is slow, anything else degraded."""
    signal = threshold.signal
    if _CERTIFICATE in signal.name:
        return Symptom.CERTIFICATE
    if signal.unit is Unit.SECONDS and threshold.bad is LimitSide.ABOVE:
        return Symptom.SLOW
    return Symptom.DEGRADED


def components_of(kind: Kind[Any, Any]) -> tuple[str, ...]:
    """Every component that alerts about checks of a kind can be named after."""
    return kind.components or ("".join(part.capitalize() for part in kind.name.split("_")),)


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
    default = {threshold.signal.name: threshold for threshold in default_thresholds_of(check)}
    kept = [
        threshold
        for name, threshold in default.items()
        if name not in own and table.applies_limits_to(threshold.signal)
    ]
    known = {signal.name: signal for signal in signals_of_check(check)}
    set_here = [_own(known[name], default.get(name), limits) for name, limits in own.items()]
    return tuple(_reachable(threshold, check) for threshold in (*kept, *set_here))


def default_thresholds_of(check: Check) -> tuple[Threshold, ...]:
    """What its kind and its settings give a check where ``thresholds`` says nothing."""
    found = (*check.kind.thresholds, *check.table.check_thresholds)
    return tuple(threshold for threshold in found if threshold.limits != Limits())


def limits_are_ordered(threshold: Threshold) -> bool:
    """Whether a more severe limit is never reached before a less severe one."""
    limits = threshold.limits
    ladder = [limits.objective, limits.warning, limits.critical]
    given = [limit for limit in ladder if limit is not None]
    return given == sorted(given, reverse=threshold.bad is LimitSide.BELOW)


# What is no percentile of fewer, and the time over which it is made unless one is given.
_MIN_SAMPLES = {Aggregation.P95: 20}
_WINDOW = 300.0
# Runs that fail or are skipped leave a window short of samples: room for one in five.
WINDOW_MARGIN = 1.25


def _reachable(threshold: Threshold, check: Check) -> Threshold:
    if not threshold.window:
        return threshold
    runs = (
        WINDOW_MARGIN * threshold.minimum_samples / check.table.samples_in_a_run(threshold.signal)
    )
    return replace(threshold, window=max(threshold.window, math.ceil(runs) * check.interval))


def _own(signal: Signal, default: Threshold | None, table: ThresholdConfig) -> Threshold:
    limits = Limits(table.objective, table.warning, table.critical)
    threshold = replace(default or Threshold(signal, limits), limits=limits, **table.terms)
    least = _MIN_SAMPLES.get(threshold.aggregation, 1)
    return replace(
        threshold,
        minimum_samples=max(threshold.minimum_samples, least),
        window=threshold.window or (_WINDOW if least > 1 else 0.0),
    )
