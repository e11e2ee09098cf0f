"""From a check's results to the conditions of its alerts, with their timers.

A check has one rule for failing, one for having no data, and one for each limit on a value
that alerts.
"""

import math
from collections.abc import Callable, Iterable

from msgspec import Struct

from alerts.evaluation.verdict import failing_verdict
from alerts.model import Fingerprint, Severity
from alerts.state.machine import ObservedLevel, Timers
from probe.core.kind import Check
from probe.core.model import Evaluation, LimitSide, Result, Status, Threshold, Verdict
from probe.core.thresholds import FAILING, NO_DATA, thresholds_of

# "No data" is so many intervals, and at least so long.
NO_DATA_INTERVALS, NO_DATA_SECONDS = 3, 300.0
# A value that good results lack for so many intervals, and so long, is not measured any more.
UNMEASURED_INTERVALS, UNMEASURED_SECONDS = 3, 3600.0
# A check has recovered after two good results, and no later than this.
MAX_CLEAR_SECONDS = 60.0
# A value is back from beyond its limit when it was within it for two results, so long.
CLEAR_SECONDS, MAX_VALUE_CLEAR_SECONDS = 120.0, 3600.0

_SEEN = {Verdict.WARNING: ObservedLevel.WARNING, Verdict.CRITICAL: ObservedLevel.CRITICAL}


class Observation(Struct, frozen=True, gc=False):
    """What one result says of one alert, and with which timers it fires."""

    identity: Fingerprint
    seen: ObservedLevel
    terms: Timers
    evaluation: Evaluation | None = None


def no_data_after(check: Check) -> float:
    """After how many seconds without a measured result a check has no data."""
    return max(NO_DATA_INTERVALS * check.interval, NO_DATA_SECONDS)


def unmeasured_after(check: Check) -> float:
    """After how many seconds a value that good results lack is not measured any more: the target
    has another address, say, or a label another value."""
    return max(UNMEASURED_INTERVALS * check.interval, UNMEASURED_SECONDS)


def has_rule(check: Check, rule: str) -> bool:
    """Whether a check can have alerts of a rule: a signal's rule goes with its limits."""
    if rule in (FAILING, NO_DATA):
        return True
    limits = [each.limits for each in thresholds_of(check) if each.signal.name == rule]
    return any(each.warning is not None or each.critical is not None for each in limits)


def of_status(
    check: Check, result: Result, terms: "RememberedTerms", *, backed_up: bool
) -> Iterable[Observation]:
    """What a result says of failing and of having no data."""
    seen = ObservedLevel.NOTHING if result.status is Status.UNKNOWN else ObservedLevel.GOOD
    if result.status is Status.FAILED:
        seen = _SEEN[failing_verdict(check.failing, result, backed_up=backed_up)]
    yield Observation(Fingerprint(check.name, FAILING), seen, terms(check, FAILING))
    blind = ObservedLevel.WARNING if result.status is Status.UNKNOWN else ObservedLevel.GOOD
    yield Observation(Fingerprint(check.name, NO_DATA), blind, terms(check, NO_DATA))


def terms_of(check: Check, rule: str) -> Timers:
    """The timers with which an alert of a check fires and ends.

    No data is never more than a warning, and never counted as k of n.
    """
    if rule == FAILING:
        hold = check.failing.hold
        clear = min(2 * check.retry, MAX_CLEAR_SECONDS)
        return Timers({Severity.WARNING: hold, Severity.CRITICAL: hold}, clear=clear)
    if rule == NO_DATA:
        holds = {Severity.WARNING: no_data_after(check), Severity.CRITICAL: math.inf}
        return Timers(holds, k_of_n=2, window=1)
    limits = [each for each in thresholds_of(check) if each.signal.name == rule]
    return _terms_of_value(check, limits[0] if limits else None)


def _terms_of_value(check: Check, threshold: Threshold | None) -> Timers:
    clear = min(max(2 * check.interval, CLEAR_SECONDS), MAX_VALUE_CLEAR_SECONDS)
    if threshold is None:
        return Timers({Severity.WARNING: 0.0, Severity.CRITICAL: 0.0}, clear=clear)
    hold = threshold.hold
    clear = clear if threshold.clear is None else threshold.clear
    return Timers({Severity.WARNING: hold, Severity.CRITICAL: hold}, clear=clear)


def of_values(
    check: Check,
    evaluations: Iterable[Evaluation],
    fires: Callable[[Fingerprint], bool],
    terms: "RememberedTerms",
) -> Iterable[Observation]:
    """What evaluations say of each limit that alerts.

    ``fires`` says whether an alert does already: it ends only within the hysteresis.
    """
    for evaluation in evaluations:
        limits = evaluation.threshold.limits
        if limits.warning is None and limits.critical is None:
            continue
        labels = tuple(sorted(evaluation.labels.items()))
        identity = Fingerprint(check.name, evaluation.threshold.signal.name, labels)
        yield Observation(
            identity,
            _seen(evaluation, fires(identity)),
            terms(check, identity.rule, evaluation.threshold),
            evaluation,
        )


def of_vanished(
    check: Check, result: Result, evaluations: Iterable[Evaluation], fires: Iterable[Fingerprint]
) -> Iterable[Observation]:
    """What a good result says of things that come and go: an alert about a machine that
    no longer exists is resolved. What could not be measured says nothing of them.

    ``fires`` are the firing alerts about such things.
    """
    if result.status is Status.UNKNOWN or not (firing := [*fires]):
        return
    seen = {
        Fingerprint(check.name, each.threshold.signal.name, tuple(sorted(each.labels.items())))
        for each in evaluations
    }
    for identity in firing:
        if identity not in seen:
            yield Observation(identity, ObservedLevel.GOOD, terms_of(check, identity.rule))


def _seen(evaluation: Evaluation, firing: bool) -> ObservedLevel:
    if evaluation.verdict is Verdict.UNKNOWN or evaluation.value is None:
        return ObservedLevel.NOTHING
    seen = _SEEN.get(evaluation.verdict, ObservedLevel.GOOD)
    if (
        seen is ObservedLevel.GOOD
        and firing
        and not _well_within(evaluation.value, evaluation.threshold)
    ):
        return ObservedLevel.WARNING
    return seen


def _well_within(value: float, threshold: Threshold) -> bool:
    limits = threshold.limits
    limit = limits.warning if limits.warning is not None else limits.critical
    if limit is None:
        return True
    margin = threshold.margin * abs(limit)
    return value <= limit - margin if threshold.bad is LimitSide.ABOVE else value >= limit + margin


class RememberedTerms:
    """``terms_of``, worked out once for each check and rule."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Check, Threshold | None, Timers]] = {}

    def __call__(self, check: Check, rule: str, threshold: Threshold | None = None) -> Timers:
        """``threshold`` is what a value was held against."""
        known = self._known.get((check.name, rule))
        if known is None or known[0] is not check or known[1] is not threshold:
            made = _terms_of_value(check, threshold) if threshold else terms_of(check, rule)
            known = self._known[check.name, rule] = (check, threshold, made)
        return known[2]

    def clear(self) -> None:
        """Other checks are configured."""
        self._known.clear()
