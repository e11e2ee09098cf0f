"""Rules on values beyond their limits, one set for each threshold that can alert.

A value is recorded over the threshold's window, and compared as ``alerts.evaluation.verdict``
does: a
ratio only if its 95 % Wilson interval is beyond the limit. An alert ends when the value was
5 % within its limit for as long as ``alerts.state.conditions`` requires.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from alerts.prometheus.failure_rules import steps
from alerts.prometheus.limit import Limit, limits_of
from alerts.prometheus.promql import (
    Alerting,
    Recording,
    Rule,
    duration,
    number,
    on,
    quorum,
    union,
)
from alerts.prometheus.promql import firing as is_firing
from alerts.runbooks import slug_for
from alerts.state.conditions import CLEAR_SECONDS, LONGEST_VALUE_CLEAR_SECONDS
from probe.core.kind import Kind
from probe.core.model import Aggregation, LimitSide, Threshold, Unit
from probe.core.thresholds import SPARE
from probe.report.text.units import show

_SUBJECT = f"* {on()} group_left(subject) probe_check_info"
# Of the normal distribution, for 95 %: what alerts.evaluation.verdict.wilson has too.
Z = 1.959964
# How long an alert outlives its value while nothing could be measured.
_MEMORY = "1h"
# For checks with a longer interval than the default of their kind.
_SELDOM = 4
_HUMAN = {
    Unit.SECONDS: "humanizeDuration",
    Unit.BYTES: "humanize1024",
    Unit.RATIO: "humanizePercentage",
}


def rules(kinds: Iterable[Kind[Any, Any]]) -> Iterator[Rule]:
    """The recorded values, then the alerts of each region and what they agree on."""
    for limit in limits_of(kinds):
        yield from _recordings(limit)
        yield _alert(limit, "warning", limit.lowest or 0.0)
        critical = limit.threshold.limits.critical
        if critical is not None:
            yield _alert(limit, "critical", critical)
            yield _agreed(limit, critical)


def windows_by_interval(limit: Limit) -> list[tuple[float, float, float]]:
    """Windows by interval, as (longer than, up to, window): none is too short for the samples
    that it needs. Seconds."""
    threshold, usual = limit.threshold, limit.kind.interval
    needed = math.ceil(SPARE * threshold.minimum_samples)
    edges = [threshold.window / needed]
    edges += [edge for edge in (usual, usual * _SELDOM) if edge > edges[-1]]
    found, below = [], 0.0
    for edge in edges:
        found.append((below, edge, max(threshold.window, needed * edge)))
        below = edge
    return found


def _recordings(limit: Limit) -> Iterator[Rule]:
    of = {"kind": limit.kind.name}
    samples = _samples(limit)
    if samples:
        yield Recording(_count(limit), samples, of)
    enough = ""
    if samples:
        least = f"{_count(limit)}{limit.here} >= {limit.threshold.minimum_samples}"
        enough = f"\nand {limit.on} ({least})"
    yield Recording(limit.value, f"{_aggregated(limit)} {_SUBJECT}{enough}", of)
    if limit.is_a_share:
        yield Recording(_surely(limit), _wilson(limit), of)


def _samples(limit: Limit) -> str:
    """Of how many samples or cases the value is made; empty where one is enough."""
    if limit.is_counted_elsewhere:
        which = f'kind="{limit.kind.name}", signal="{limit.threshold.signal.name}"'
        return f"sum without (signal) (probe_sample_cases{{{which}}})"
    if limit.aggregation is Aggregation.LAST:
        return ""
    return _banded(limit, lambda window: _runs(limit, window))


def _aggregated(limit: Limit) -> str:
    signal = f"{limit.threshold.signal.name}{limit.here}"
    if limit.aggregation is Aggregation.LAST:
        return signal
    over = "quantile_over_time(0.95, " if limit.aggregation is Aggregation.P95 else "avg_over_time("
    return f"(\n{_banded(limit, lambda window: f'{over}{signal}[{window}])')}\n)"


def _banded(limit: Limit, expression: Any) -> str:
    parts = []
    for above, upto, window in windows_by_interval(limit):
        which = f"probe_interval_seconds{limit.here} > {number(above)} <= {number(upto)}"
        parts.append(f"({expression(duration(window))}\n  and {on()} ({which}))")
    return union(parts)


def _runs(limit: Limit, window: str) -> str:
    """How many runs a window has. ``increase`` guesses beyond its samples, hence the rounding."""
    signal = limit.threshold.signal
    if signal.latency:
        name = signal.name.removesuffix("_seconds") + "_histogram_seconds_count"
        return f"round(increase({name}{limit.here}[{window}]))"
    measured = f'probe_runs_total{{kind="{limit.kind.name}", status=~"ok|failed"}}'
    runs = f"sum by {on()[3:]} (round(increase({measured}[{window}])))"
    return f"0 * {signal.name}{limit.here} + {on()} group_left() {runs}"


def _count(limit: Limit) -> str:
    return limit.value.rsplit(":", 1)[0] + ":runs"


def _surely(limit: Limit) -> str:
    return limit.value.rsplit(":", 1)[0] + ":surely"


def _wilson(limit: Limit) -> str:
    """The end of the 95 % Wilson interval that is nearer to good (Wilson 1927)."""
    ratio = f"{limit.value}{limit.here}"
    runs = f"({_count(limit)}{limit.here} {_SUBJECT})"
    sign = "-" if limit.threshold.bad is LimitSide.ABOVE else "+"
    spread = (
        f"{number(Z)} * sqrt({ratio} * (1 - {ratio}) / {runs} + {number(Z * Z / 4)} / {runs} ^ 2)"
    )
    return (
        f"(\n  {ratio} + {number(Z * Z / 2)} / {runs}\n  {sign} {spread}\n)"
        f" / (1 + {number(Z * Z)} / {runs})"
    )


def _alert(limit: Limit, level: str, bound: float) -> Alerting:
    beyond = limit.beyond(limit.value, bound)
    if limit.is_a_share:
        beyond = f"({limit.value}{limit.here} and {limit.on} {limit.beyond(_surely(limit), bound)})"
    still = _still_bad(limit)
    firing = f"and {limit.on} {is_firing(limit.alert, level)}"
    settling = _settling(limit)
    if level == "critical":
        # Beyond the warning limit only, it has eased; it doesn't wait for recovery.
        settling = f"({settling} unless {limit.on} ({still}))"
    branches = [beyond, f"({settling}\n  {firing})", _unseen(limit, firing)]
    if level == "warning":
        branches.insert(1, f"({still}\n  {firing})")
    return Alerting(
        limit.alert,
        union(branches),
        {"kind": limit.kind.name, "severity": "warning", "scope": "region", "level": level},
        _words(limit, bound, "{{ $labels.check }}, from {{ $labels.region }}"),
    )


def _still_bad(limit: Limit) -> str:
    """Not 5 % within the limit."""
    bound = limit.lowest or 0.0
    margin = limit.threshold.margin * abs(bound)
    well = bound - margin if limit.threshold.bad is LimitSide.ABOVE else bound + margin
    return limit.beyond(limit.value, well)


def _settling(limit: Limit) -> str:
    """Recovered, and not for long enough."""
    longest = min(max(2 * limit.kind.interval, CLEAR_SECONDS), LONGEST_VALUE_CLEAR_SECONDS)
    clear = f"clamp(2 * probe_interval_seconds, {number(CLEAR_SECONDS)}, {number(longest)})"
    last = f"max_over_time(timestamp({_still_bad(limit)})[{duration(longest)}:15s])"
    value = f"{limit.value}{limit.here}"
    return f"({value} and {limit.on} (time() - {last}\n  < {on()} group_left() {clear}))"


def _unseen(limit: Limit, firing: str) -> str:
    """Without a value nothing is resolved, unless a passing run has none."""
    value = f"{limit.value}{limit.here}"
    return (
        f"((last_over_time({value}[{_MEMORY}]) unless {limit.on} {value})\n"
        f"  unless {on()} (probe_success == 1) and {on()} probe_interval_seconds\n  {firing})"
    )


def _agreed(limit: Limit, bound: float) -> Alerting:
    return Alerting(
        limit.alert,
        quorum(limit.alert, limit.kind.name, limit.threshold.signal.labels),
        {"kind": limit.kind.name, "severity": "critical", "scope": "global"},
        _words(limit, bound, "{{ $labels.check }}", seen_by="{{ $value }} region(s)"),
    )


def _words(limit: Limit, bound: float, where: str, seen_by: str = "") -> dict[str, str]:
    threshold = limit.threshold
    slug = slug_for(limit.kind, threshold.signal.name)
    side = f"{threshold.bad.value} {show(bound, threshold.signal.unit)}"
    value = f"It is seen by {seen_by}" if seen_by else f"It is {_shown(threshold)}"
    return {
        "summary": f"{where}: {threshold.signal.name} is {side}",
        "description": f"{threshold.signal.help} {value}{_over(limit)}.\n{steps(slug)}",
        "runbook": slug,
    }


def _shown(threshold: Threshold) -> str:
    human = _HUMAN.get(threshold.signal.unit)
    return f"{{{{ $value | {human} }}}}" if human else "{{ $value }}"


def _over(limit: Limit) -> str:
    texts: dict[Aggregation, str] = {
        Aggregation.LAST: "",
        Aggregation.P95: ", 95th percentile of",
        Aggregation.RATIO: ", mean of",
    }
    text = texts[limit.aggregation]
    return f"{text} {duration(limit.threshold.window)} or {_needed(limit)} runs" if text else ""


def _needed(limit: Limit) -> int:
    return limit.threshold.minimum_samples
