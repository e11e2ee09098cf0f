"""A load that has ended, as its reports show it."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.model import Verdict
from probe.load.measurement.histogram import LatencyHistogram
from probe.load.measurement.statistics import ITERATION, LoadStatistics, StepStatistics
from probe.load.plan import LoadPlan, Spending
from probe.load.verdict import ObjectiveResult

QUANTILES = (0.5, 0.95, 0.99)
_ORDER = ("health", "response", "token", "session", "round_trip", "credentials", "call", "journey")


class StepRow(Struct, frozen=True):
    """One step: its counts, and seconds: quantiles, greatest, p95 with coordinated omission
    corrected, and the generator's own mean share of them (0 to 1)."""

    name: str
    passed: int
    failed: int
    not_measured: int
    p50: float | None
    p95: float | None
    p99: float | None
    greatest: float | None
    corrected_p95: float | None
    own_share: float | None


class ErrorRow(Struct, frozen=True):
    """Errors of one step and cause, with the first one's message."""

    step: str
    phase: str
    cause: Cause
    measured: bool
    count: int
    message: str


class LoadResult(Struct, frozen=True):
    """``lost`` says what happened to workers that did not report to the end, ``limits_met`` which
    of the target's limits the plan meets; ``interrupted``: by a signal."""

    plan: LoadPlan
    target: str
    started_at: datetime
    region: str
    version: str
    limit: Spending
    statistics: LoadStatistics
    objectives: tuple[ObjectiveResult, ...]
    verdict: Verdict
    limits_met: tuple[str, ...] = ()
    workers: int = 1
    lost: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def expected_interval(self) -> float:
        """Seconds from one iteration of a user to the next, as they would be if the target were
        always as quick as in the median."""
        found = self.statistics.steps.get(ITERATION)
        median = found.latency.quantile(0.5) if found else None
        return self.plan.think + (median or 0.0)


def step_rows(result: LoadResult) -> list[StepRow]:
    """The steps in a user's order, the parts of a step below it, the whole iteration last."""
    found = result.statistics.steps
    names = sorted((name for name in found if name != ITERATION), key=_place)
    rows = [_row(result, name, found[name]) for name in names]
    return rows + ([_row(result, ITERATION, found[ITERATION])] if ITERATION in found else [])


def error_rows(result: LoadResult) -> list[ErrorRow]:
    """Errors by cause, the most frequent first."""
    found = result.statistics
    return [
        ErrorRow(key.step, key.phase, key.cause, key.measured, count, found.messages.get(key, ""))
        for key, count in found.errors.most_common()
    ]


def corrected(result: LoadResult, step: StepStatistics) -> LatencyHistogram:
    """A step's latencies with those that coordinated omission has hidden: in an open model from
    the intended start, in a closed one those that users who waited would have had."""
    if result.plan.is_open:
        return step.response
    return step.latency.corrected(result.expected_interval)


def notes(result: LoadResult) -> Iterator[str]:
    """What a reader has to know of how it was measured."""
    found = result.statistics
    own = found.own
    if result.plan.is_open:
        yield (
            "Open model: arrivals were fixed in advance; corrected latencies count from the "
            "intended start, so that a slow target can't hide behind fewer requests "
            "(coordinated omission)"
        )
    else:
        yield (
            "Closed model: users wait for answers, so that a slow target is asked less "
            "(coordinated omission); the corrected p95 adds the iterations that waiting users "
            f"would have made every {result.expected_interval:.3g} s; --rate makes an open model"
        )
    if found.not_started:
        yield f"{found.not_started:,} arrivals found no free user until the end: counted as failed"
    if found.cut_off:
        yield f"{found.cut_off:,} iterations were cut off at the end; their completed steps count"
    if found.budget_waits:
        yield f"{found.budget_waits:,} steps waited for budget that others had reserved"
    if own.is_busy:
        yield "The generator itself is short of CPU: add --workers, or machines"
    if own.stepped:
        yield f"The wall clock was set by {own.clock_step:+.1f} s meanwhile; latencies don't use it"
    if own.suspended >= 1:
        yield f"This machine was suspended for {own.suspended:.0f} s"


def _place(name: str) -> tuple[int, str]:
    for position, step in enumerate(_ORDER):
        if name == step:
            return 2 * position, ""
        if name.startswith(f"{step}_"):
            return 2 * position + 1, ""
    return 2 * len(_ORDER), name


def _row(result: LoadResult, name: str, step: StepStatistics) -> StepRow:
    latency = step.latency
    p50, p95, p99 = (latency.quantile(share) for share in QUANTILES)
    return StepRow(
        name=name,
        passed=step.passed,
        failed=step.failed,
        not_measured=step.not_measured,
        p50=p50,
        p95=p95,
        p99=p99,
        greatest=latency.maximum,
        corrected_p95=corrected(result, step).quantile(0.95),
        own_share=_own_share(result, name, step),
    )


def _own_share(result: LoadResult, name: str, step: StepStatistics) -> float | None:
    """None for the parts of a step, whose tasks are not their own."""
    steps = result.statistics.steps.values()
    cpu, wake_ups = step.own_cpu, step.wake_ups
    if name == ITERATION:
        cpu, wake_ups = sum(each.own_cpu for each in steps), sum(each.wake_ups for each in steps)
    whole = (step.latency.mean or 0.0) * step.passed
    if not wake_ups or not whole:
        return None
    return min(1.0, result.statistics.own.of(cpu, wake_ups) / whole)
