"""How many series a check has on ``/metrics``, from what its kind declares: without a run.

A run that passes and measures all that the check can measure. What a label's values are is known
only then: two of most labels, of a machine or a source one.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import product

from msgspec import Struct
from prometheus_client import CollectorRegistry

from probe.core.kind import Check
from probe.core.model import (
    DURATION,
    SUCCESS,
    Evaluation,
    Limits,
    Result,
    Sample,
    Signal,
    Status,
    Unit,
    Verdict,
)
from probe.core.thresholds import signals_of_check, thresholds_of
from probe.metrics.exporter import Exporter, expose

# Enough digits for a value of usual length.
_VALUES = {Unit.COUNT: 200.0, Unit.TIMESTAMP: 1.8e9, Unit.BOOLEAN: 1.0, Unit.BYTES: 123_456_789.0}
_TIME = 0.041235
_PHASES = {
    "http": ("resolve", "connect", "tls", "processing", "transfer"),
    # Those that are exported by default, of TURN over TLS.
    "turn": ("dns", "connect", "tls", "allocate", "relay", "echo", "server_rtt", "mtu"),
}
_LABEL_VALUES = {"phase": 5, "standing": 4, "machine": 1, "machine_region": 1, "source": 1}
_MAX_VALUES = 2


class CheckSeries(Struct, frozen=True, gc=False):
    """Series of one check that passes, in the default set and with ``PROBE_METRICS=full``, and the
    bytes of their lines."""

    check: str
    kind: str
    default: int
    full: int
    default_bytes: int
    full_bytes: int


def series_of(checks: Iterable[Check], region: str) -> tuple[CheckSeries, ...]:
    """Of each check how many series it has."""
    return tuple(_series_of(check, region) for check in checks)


def _series_of(check: Check, region: str) -> CheckSeries:
    found = {full: _exported(check, region, full=full) for full in (False, True)}
    return CheckSeries(
        check.name,
        check.kind.name,
        found[False][0],
        found[True][0],
        found[False][1],
        found[True][1],
    )


def _exported(check: Check, region: str, *, full: bool) -> tuple[int, int]:
    exporter = Exporter(region=region, full=full)
    exporter.set_checks([check])
    result = passing_run(check)
    exporter.observe(result, limits_reached(check, result, Verdict.OK))
    page, _ = expose(exporter, CollectorRegistry(), None)
    lines = [line for line in page.splitlines() if not line.startswith(b"#")]
    return exporter.series()[check.name], sum(len(line) + 1 for line in lines)


def passing_run(check: Check) -> Result:
    """A run that passes and measures every signal of the check."""
    samples = [Sample(SUCCESS, 1.0), Sample(DURATION, 0.251235)]
    for signal in signals_of_check(check):
        if signal not in (SUCCESS, DURATION) and check.table.measures(signal):
            value = _VALUES.get(signal.unit, _TIME)
            samples += [Sample(signal, value, labels) for labels in _label_sets(signal)]
    phases = dict.fromkeys(_phases(check), _TIME)
    started = datetime.fromtimestamp(1.8e9, UTC)
    return Result(check.name, Status.OK, started, 0.251235, phases, tuple(samples))


def _phases(check: Check) -> list[str]:
    """As many as a run of its kind has at most: what asks an API has a request by HTTP and does
    little else."""
    if check.kind.name in _PHASES:
        return list(_PHASES[check.kind.name])
    return [f"phase-{number}" for number in range(2 if check.kind.third_party else 8)]


def _label_sets(signal: Signal) -> Iterator[dict[str, str]]:
    counts = [range(_LABEL_VALUES.get(name, _MAX_VALUES)) for name in signal.labels]
    for values in product(*counts):
        yield {name: f"value-{number}" for name, number in zip(signal.labels, values, strict=True)}


def limits_reached(check: Check, result: Result, verdict: Verdict) -> Iterator[Evaluation]:
    """Each value of a run that has limits as it would be judged, at its first limit."""
    for threshold in thresholds_of(check):
        limits = threshold.limits
        if limits == Limits():
            continue
        for sample in result.samples:
            if sample.signal == threshold.signal:
                value = next(
                    each
                    for each in (limits.objective, limits.warning, limits.critical)
                    if each is not None
                )
                yield Evaluation(check.name, threshold, sample.labels, value, verdict, 1)
