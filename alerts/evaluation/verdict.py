"""Evaluation: results and thresholds in, verdicts out. Pure, so that one-shot runs and the
daemon share it and every case can be written down as a test.

A single run evaluates what it can: nothing waits for a duration, and a threshold that needs
more samples than a run brings is unknown and changes nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from probe.core.kind import Check
from probe.core.model import (
    Aggregation,
    Evaluation,
    FailurePolicy,
    LimitSide,
    Result,
    Sample,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from probe.core.thresholds import thresholds_of

# The order of the exit codes: what could not be measured ranks above a warning.
_RANK = {
    Verdict.OK: 0,
    Verdict.OBJECTIVE_MISSED: 1,
    Verdict.WARNING: 2,
    Verdict.UNKNOWN: 3,
    Verdict.CRITICAL: 4,
}
_ALERTING = (Verdict.WARNING, Verdict.CRITICAL)


class Judgement(Struct, frozen=True, gc=False):
    """The verdict on each check (by name), every evaluation, and the verdict on the whole."""

    checks: Mapping[str, Verdict]
    evaluations: tuple[Evaluation, ...]
    verdict: Verdict


def judge(
    checks: Sequence[Check], results: Mapping[str, Result], must_measure: Iterable[str] = ()
) -> Judgement:
    """Judge one run. ``results`` has one for each check, by name.

    A check that could not be measured makes the whole unknown if its kind is a core one or
    its name is in ``must_measure``; otherwise it is shown and changes nothing.
    """
    verdicts: dict[str, Verdict] = {}
    evaluations: list[Evaluation] = []
    for check in checks:
        result = results[check.name]
        judged = [
            evaluation
            for threshold in thresholds_of(check)
            for evaluation in evaluate(check.name, threshold, result.samples)
        ]
        evaluations += judged
        others = [results[name].status for name in backup_checks(check, checks)]
        verdicts[check.name] = verdict_on(check, result, judged, backed_up=Status.OK in others)
    return Judgement(verdicts, tuple(evaluations), overall_verdict(checks, verdicts, must_measure))


def backup_checks(check: Check, checks: Iterable[Check]) -> list[str]:
    """The checks whose success makes this one's failure a partial one."""
    groups = check.table.backup_groups
    if not groups:
        return []
    return [
        other.name
        for other in checks
        if other.table.redundancy_group in groups and other.name != check.name
    ]


def verdict_on(
    check: Check, result: Result, judged: Iterable[Evaluation], *, backed_up: bool
) -> Verdict:
    """The verdict on one check: of its result and of its thresholds, the more severe one."""
    status = _status_verdict(check, result, backed_up=backed_up)
    return worst([status, *(_affects_verdict(each.verdict) for each in judged)])


def overall_verdict(
    checks: Iterable[Check], verdicts: Mapping[str, Verdict], must_measure: Iterable[str] = ()
) -> Verdict:
    """The verdict on all checks that have one."""
    named = set(must_measure)
    return overall(
        verdicts[check.name]
        for check in checks
        if check.name in verdicts
        and (verdicts[check.name] is not Verdict.UNKNOWN or check.kind.core or check.name in named)
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe of some verdicts; ok if there are none."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.OK)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a run, in the order of the exit codes: critical, unknown, warning."""
    found = set(verdicts)
    for verdict in (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.WARNING):
        if verdict in found:
            return verdict
    return Verdict.OK


def evaluate(check: str, threshold: Threshold, samples: Iterable[Sample]) -> list[Evaluation]:
    """Evaluate one threshold over samples, for each label set of its signal apart."""
    by_labels: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in samples:
        if sample.signal.name == threshold.signal.name and math.isfinite(sample.value):
            key = tuple(sorted(sample.labels.items())) if sample.labels else ()
            by_labels.setdefault(key, []).append(sample)
    if not by_labels:
        if threshold.optional:
            return []
        return [Evaluation(check, threshold, {}, None, Verdict.UNKNOWN)]
    return [_one(check, threshold, dict(key), found) for key, found in by_labels.items()]


def within_percentile(
    check: str, threshold: Threshold, values: Sequence[float]
) -> Evaluation | None:
    """What ``evaluate`` says of plain samples, by their sorted values, where a percentile of them
    is within every limit or they are too few; None: it has to look at the samples."""
    if threshold.aggregation is not Aggregation.P95 or not values:
        return None
    if len(values) < threshold.minimum_samples:
        return Evaluation(check, threshold, {}, None, Verdict.UNKNOWN, len(values))
    value = _percentile(values)
    if compare(value, threshold) is not Verdict.OK:
        return None
    return Evaluation(check, threshold, {}, value, Verdict.OK, len(values))


def _one(
    check: str, threshold: Threshold, labels: Mapping[str, str], samples: Sequence[Sample]
) -> Evaluation:
    found = _judged(check, threshold, labels, samples)
    if found.verdict in (Verdict.OK, Verdict.UNKNOWN) or not any(
        each.disturbed for each in samples
    ):
        return found
    # A latency that is to a good part our own is good enough to be within a limit, and breaks none.
    return _judged(check, threshold, labels, [each for each in samples if not each.disturbed])


def _judged(
    check: str, threshold: Threshold, labels: Mapping[str, str], samples: Sequence[Sample]
) -> Evaluation:
    values = _values(samples, threshold)
    size = _size(samples, values, threshold) if samples else 0
    if not samples or size < threshold.minimum_samples:
        return Evaluation(check, threshold, labels, None, Verdict.UNKNOWN, int(size))
    value = aggregate(values, threshold.aggregation)
    verdict = compare(value, threshold)
    if _is_a_share(samples, threshold) and verdict in _ALERTING:
        verdict = confident_verdict(value, size, threshold)
    return Evaluation(check, threshold, labels, value, verdict, int(size))


def _values(samples: Sequence[Sample], threshold: Threshold) -> list[float]:
    """One value for each sample; for a percentile every measurement that a sample stands for."""
    if threshold.aggregation is not Aggregation.P95:
        return [sample.value for sample in samples]
    return [value for sample in samples for value in sample.values or (sample.value,)]


def _size(samples: Sequence[Sample], values: Sequence[float], threshold: Threshold) -> float:
    """Of how many cases the value is made: our own samples, or those that somebody else has
    made the newest one of."""
    total = samples[-1].denominator
    if threshold.aggregation is Aggregation.LAST and total is not None:
        return total
    return len(values)


def _is_a_share(samples: Sequence[Sample], threshold: Threshold) -> bool:
    """Whether chance has a part in the value: a ratio of few cases proves little."""
    if threshold.aggregation is Aggregation.RATIO:
        return True
    counted = threshold.signal.unit is Unit.RATIO and samples[-1].denominator is not None
    return counted and threshold.aggregation is Aggregation.LAST


def confident_verdict(ratio: float, total: float, threshold: Threshold) -> Verdict:
    """How bad a ratio surely is: its 95 % interval has to be beyond a limit that
    alerts. An objective is missed by the ratio itself."""
    low, high = wilson(ratio, total)
    confident = compare(low if threshold.bad is LimitSide.ABOVE else high, threshold)
    if confident in _ALERTING:
        return confident
    objective = threshold.limits.objective
    missed = objective is not None and _beyond(ratio, objective, threshold.bad)
    return Verdict.OBJECTIVE_MISSED if missed else Verdict.OK


def wilson(ratio: float, total: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a ratio of ``total`` trials (Wilson 1927)."""
    z = 1.959964
    middle = (ratio + z * z / (2 * total)) / (1 + z * z / total)
    spread = math.sqrt(ratio * (1 - ratio) / total + z * z / (4 * total * total))
    half = z / (1 + z * z / total) * spread
    return max(0.0, middle - half), min(1.0, middle + half)


def aggregate(values: Sequence[float], aggregation: Aggregation) -> float:
    """One value from the samples of a window (oldest first, not empty).

    The p95 is the nearest-rank one: a value that was measured, never one in between.
    """
    match aggregation:
        case Aggregation.LAST:
            return values[-1]
        case Aggregation.P95:
            return _percentile(sorted(values))
        case Aggregation.RATIO:
            return sum(values) / len(values)


def _percentile(values: Sequence[float]) -> float:
    return values[math.ceil(0.95 * len(values)) - 1]


def compare(value: float, threshold: Threshold) -> Verdict:
    """The most severe limit that a value exceeds; a value on the limit passes."""
    limits = threshold.limits
    for limit, verdict in (
        (limits.critical, Verdict.CRITICAL),
        (limits.warning, Verdict.WARNING),
        (limits.objective, Verdict.OBJECTIVE_MISSED),
    ):
        if limit is not None and _beyond(value, limit, threshold.bad):
            return verdict
    return Verdict.OK


def _beyond(value: float, limit: float, bad: LimitSide) -> bool:
    return value > limit if bad is LimitSide.ABOVE else value < limit


def _affects_verdict(verdict: Verdict) -> Verdict:
    """A missed objective is shown and does not alert; so does a threshold without data."""
    quiet = (Verdict.OBJECTIVE_MISSED, Verdict.UNKNOWN)
    return Verdict.OK if verdict in quiet else verdict


def _status_verdict(check: Check, result: Result, *, backed_up: bool) -> Verdict:
    if result.status is Status.UNKNOWN:
        return Verdict.UNKNOWN
    if result.failure is None:
        return Verdict.OK
    return failing_verdict(check.failing, result, backed_up=backed_up)


def failing_verdict(failing: FailurePolicy, result: Result, *, backed_up: bool) -> Verdict:
    """How bad a failed result is, knowing whether another of its group works."""
    if result.failure is not None and result.failure.cause in failing.warning_only_causes:
        return Verdict.WARNING
    if backed_up and failing.severity_with_backup is not None:
        return failing.severity_with_backup
    return failing.severity
