"""Stored results, their aggregates over time, and periods of one health state.

Times are wall-clock seconds since 1970 (UTC), durations seconds.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from probe.core.model import Result, Signal, Status, Verdict

Labels = tuple[tuple[str, str], ...]


class HealthState(StrEnum):
    """The health state of a check: a warning that becomes critical is the same incident."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


HEALTH_STATES: Mapping[Verdict, HealthState] = {
    Verdict.OK: HealthState.HEALTHY,
    Verdict.OBJECTIVE_MISSED: HealthState.HEALTHY,
    Verdict.WARNING: HealthState.UNHEALTHY,
    Verdict.CRITICAL: HealthState.UNHEALTHY,
    Verdict.UNKNOWN: HealthState.UNKNOWN,
}


class ResultRow(Struct, frozen=True, gc=False):
    """One stored result. ``at`` is when the run began; ``phase``, ``cause`` and ``message`` are
    empty where nothing failed. ``value`` is that of the signal that is plotted; ``samples`` are
    (signal name, sorted labels, value). ``cases`` are written alike: of how many cases a ratio is
    that the target reports."""

    check: str
    at: float
    duration: float
    status: Status
    verdict: Verdict
    phase: str = ""
    cause: str = ""
    message: str = ""
    value: float | None = None
    samples: tuple[tuple[str, Labels, float], ...] = ()
    cases: tuple[tuple[str, Labels, float], ...] = ()


class TimeBucket(Struct, frozen=True, gc=False):
    """All entries of one check in one time bucket: how many of each verdict, and the median and the
    greatest of their values (None where nothing was measured)."""

    verdicts: Mapping[Verdict, int]
    median: float | None = None
    greatest: float | None = None


class StatePeriod(Struct, frozen=True, gc=False):
    """A period in which a check had the same health state.

    ``verdict``, ``phase``, ``cause`` and ``message`` are those of its worst entry (the newest of
    equally bad ones). ``end`` is when the first entry after it began; None while it lasts.
    ``entries`` is how many runs it is made of.
    """

    check: str
    start: float
    end: float | None
    verdict: Verdict
    phase: str = ""
    cause: str = ""
    message: str = ""
    entries: int = 1

    @property
    def state(self) -> HealthState:
        """The health state that all its entries share."""
        return HEALTH_STATES[self.verdict]


def result_row(result: Result, verdict: Verdict, plot: Signal | None) -> ResultRow:
    """A result to store, with its verdict and the value of the plotted signal."""
    failure = result.failure
    values = [each.value for each in result.samples if plot and each.signal.name == plot.name]
    return ResultRow(
        check=result.check,
        at=result.started_at.timestamp(),
        duration=result.duration,
        status=result.status,
        verdict=verdict,
        phase=failure.phase if failure else "",
        cause=failure.cause.value if failure else "",
        message=failure.message if failure else "",
        value=values[0] if values else None,
        samples=tuple(
            [
                (each.signal.name, _sorted(each.labels) if each.labels else (), each.value)
                for each in result.samples
            ]
        ),
        cases=tuple(
            [
                (each.signal.name, _sorted(each.labels), each.denominator)
                for each in result.samples
                if each.denominator is not None
            ]
        ),
    )


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
