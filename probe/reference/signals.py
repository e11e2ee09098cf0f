"""What each kind measures, and its thresholds."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from probe.core.kind import Kind
from probe.core.model import COMMON, Aggregation, Limits, LimitSide, Signal, Threshold
from probe.core.thresholds import signals_of
from probe.metrics.check_metrics import RECENT_RUNS
from probe.metrics.families import Family, histogram_of
from probe.reference.markdown import code, table
from probe.report.text.units import show

Kinds = Sequence[Kind[Any, Any]]

_HEAD = f"""\
# Checks and their signals

Made by `make generate` from what the kinds declare. Each signal is a gauge on `/metrics` with the
last run's value and the labels `check`, `kind`, `target` and `region`; what the last run did not
measure is absent. A signal with a histogram has its values under the second name as well, most
of them, and signals marked so, with `PROBE_METRICS=full` only. A signal whose name ends in `_total`
is a counter. `probe_recent_failures` counts the last
{RECENT_RUNS} measured runs.

A limit is in force while the value is on its bad side: an objective counts against the SLO and
sends nothing, a warning and a critical limit become alerts. `p95` and `ratio` are taken over a
window.

## Every kind
"""


def page(kinds: Kinds) -> str:
    """The whole page."""
    common = _signals(COMMON)
    return "\n".join((_HEAD, common, *(part for kind in kinds for part in _kind(kind))))


def _kind(kind: Kind[Any, Any]) -> Iterator[str]:
    yield f"## {kind.name}\n\n{kind.summary[:1].upper()}{kind.summary[1:].rstrip('.')}.\n"
    yield table(("", ""), _facts(kind))
    own = [signal for signal in signals_of(kind) if signal not in COMMON]
    if own:
        yield _signals(own, kind.details)
    limits = [each for each in kind.thresholds if each.limits != Limits()]
    if limits:
        yield "Thresholds:\n"
        yield table(
            ("signal", "objective", "warning", "critical", "bad", "aggregation", "for"),
            [_threshold(each) for each in limits],
        )


def _facts(kind: Kind[Any, Any]) -> Iterator[tuple[str, str]]:
    failing = kind.failing
    yield "runs every", "on request" if kind.on_request else f"{kind.interval:g} s"
    yield "after a failure every", f"{kind.retry:g} s"
    severity = f"{failing.severity.value} after {failing.hold:g} s"
    if failing.severity_with_backup is not None:
        severity += f"; {failing.severity_with_backup.value} while a check of the same group is ok"
    yield "a failure is", severity
    if failing.warning_only_causes:
        yield (
            "causes that are a warning at most",
            ", ".join(map(code, sorted(failing.warning_only_causes))),
        )
    if kind.cost:
        yield "cost of a run", kind.cost


def _signals(signals: Sequence[Signal], details: Collection[str] = ()) -> str:
    rows = [
        (
            code(each.name),
            each.unit.value,
            ", ".join(map(code, each.labels)),
            each.help + (" With `PROBE_METRICS=full`." if each.name in details else ""),
            code(histogram_of(each).name) if each.latency else "",
        )
        for each in signals
    ]
    return table(("signal", "unit", "labels", "meaning", "histogram"), rows)


def _threshold(threshold: Threshold) -> tuple[str, ...]:
    limits, unit = threshold.limits, threshold.signal.unit
    given = (limits.objective, limits.warning, limits.critical)
    values = ["" if each is None else show(each, unit) for each in given]
    how = threshold.aggregation.value
    if threshold.aggregation is not Aggregation.LAST:
        how += f" of {show_window(threshold)}, at least {threshold.minimum_samples}"
    bad = "below" if threshold.bad is LimitSide.BELOW else "above"
    hold = f"{threshold.hold:g} s" if threshold.hold else ""
    return (code(threshold.signal.name), *values, bad, how, hold)


def show_window(threshold: Threshold) -> str:
    """The window as text."""
    return f"{threshold.window:g} s" if threshold.window else "the last run"


def families(found: Sequence[Family]) -> str:
    """Metrics that are no signals."""
    rows = [(code(each.name), each.type, each.help) for each in found]
    return table(("metric", "type", "meaning"), rows)
