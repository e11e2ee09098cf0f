"""A load's verdict: its figures against the objectives of the monitored application.

A missed objective is the target's only as far as the value without the generator's own share
misses it too; otherwise it is unknown.
"""

from collections.abc import Iterator

from msgspec import Struct

from probe.confidence_intervals import quantile_shares, wilson_interval
from probe.core.model import LimitSide, Unit, Verdict
from probe.load.measurement.statistics import LoadStatistics, StepStatistics

P95 = 0.95
CONFIDENCE = 0.95
MINIMUM_SAMPLES = 20
"""Fewer have no 95th percentile."""
CALLS = ("call", "journey")
"""The steps in which a call is set up: without and with the application's matching."""


class Objectives(Struct, frozen=True):
    """Limits: share of failed steps, seconds (p95) of the response to ``/health`` and of a
    signaling round trip, share of calls that connect. None: nothing is asked."""

    error_ratio: float | None = 0.001
    response: float | None = 0.5
    round_trip: float | None = 0.2
    call_success: float | None = 0.95


class ObjectiveResult(Struct, frozen=True):
    """One objective: its measured value from ``samples``, of which ``own`` is the generator's.

    With 95 % confidence the target's own value is between ``low`` and ``high``: for the number of
    samples, and with or without the generator's part. The verdict is by ``value``."""

    name: str
    unit: Unit
    bad: LimitSide
    objective: float
    value: float | None
    samples: int
    own: float
    verdict: Verdict
    reason: str = ""
    low: float | None = None
    high: float | None = None


def evaluate(found: LoadStatistics, objectives: Objectives) -> tuple[ObjectiveResult, ...]:
    """Each objective that applies to what was done."""
    return tuple(_evaluated(found, objectives))


def verdict_of(results: tuple[ObjectiveResult, ...]) -> Verdict:
    """Missed if any objective is, else unknown if any could not be decided, else ok."""
    verdicts = [each.verdict for each in results]
    for verdict in (Verdict.OBJECTIVE_MISSED, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.OK if verdicts else Verdict.UNKNOWN


def _evaluated(found: LoadStatistics, objectives: Objectives) -> Iterator[ObjectiveResult]:
    if objectives.error_ratio is not None:
        yield _errors(found, objectives.error_ratio)
    latencies = (
        ("response time p95", "response", objectives.response),
        ("signaling round trip p95", "round_trip", objectives.round_trip),
    )
    for name, step, limit in latencies:
        if limit is not None and step in found.steps:
            yield _latency(found, name, found.steps[step], limit)
    for step in CALLS:
        if objectives.call_success is not None and step in found.steps:
            yield _calls(found.steps[step], objectives.call_success)


def _errors(found: LoadStatistics, limit: float) -> ObjectiveResult:
    failed = found.not_started + sum(count for key, count in found.errors.items() if key.measured)
    passed = sum(slot.passed for slot in found.timeline.slots)
    total = failed + passed
    value = failed / total if total else None
    reason = "" if total else "nothing was measured"
    verdict = Verdict.UNKNOWN
    if value is not None:
        verdict = Verdict.OK if value <= limit else Verdict.OBJECTIVE_MISSED
    low, high = wilson_interval(failed, total, CONFIDENCE)
    return ObjectiveResult(
        "error rate",
        Unit.RATIO,
        LimitSide.ABOVE,
        limit,
        value,
        total,
        0.0,
        verdict,
        reason,
        low,
        high,
    )


def _latency(
    found: LoadStatistics, name: str, step: StepStatistics, limit: float
) -> ObjectiveResult:
    """By the response time, which counts from the intended start of an open model."""
    value = step.response.quantile(P95)
    own = found.own.of(step.own_cpu, step.wake_ups) / step.attempts if step.attempts else 0.0
    # One wake-up of a rare kind: how late the loop was at worst, but for 1 in 20.
    own = max(own, found.own.lag.quantile(P95) or 0.0)
    verdict, reason = Verdict.OK, ""
    if value is None or step.passed < MINIMUM_SAMPLES:
        verdict, reason = Verdict.UNKNOWN, f"{step.passed} of at least {MINIMUM_SAMPLES} samples"
    elif value > limit:
        verdict = Verdict.OBJECTIVE_MISSED
        if value - own <= limit or found.own.is_busy:
            verdict, reason = Verdict.UNKNOWN, "the generator itself is too busy: add --workers"
    low, high = _around(step, own)
    return ObjectiveResult(
        name,
        Unit.SECONDS,
        LimitSide.ABOVE,
        limit,
        value,
        step.passed,
        own,
        verdict,
        reason,
        low,
        high,
    )


def _around(step: StepStatistics, own: float) -> tuple[float | None, float | None]:
    """The interval of a p95: the lower end without what the generator may have added."""
    lower, upper = quantile_shares(P95, step.passed, CONFIDENCE)
    low, high = step.response.quantile(lower), step.response.quantile(upper)
    return None if low is None else max(0.0, low - own), high


def _calls(step: StepStatistics, limit: float) -> ObjectiveResult:
    total = step.passed + step.failed
    value = step.passed / total if total else None
    verdict, reason = Verdict.UNKNOWN, "no call could be measured"
    if value is not None:
        verdict = Verdict.OK if value >= limit else Verdict.OBJECTIVE_MISSED
        reason = ""
    return ObjectiveResult(
        "calls connected", Unit.RATIO, LimitSide.BELOW, limit, value, total, 0.0, verdict, reason,
        *wilson_interval(step.passed, total, CONFIDENCE),
    )  # fmt: skip
