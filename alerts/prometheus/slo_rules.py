"""Objectives over 30 days, and rules on how fast their error budgets burn.

Multi-window, multi-burn-rate alerts as in chapter 5 of The Site Reliability Workbook
(Google, 2018), its pairs joined: one page, one ticket. An error is a share of the time in which
regions agree that a check fails, or in which a judged value misses its objective.

Two things differ from the book. What an alert has said already does not burn the budget a second
time: only the time before it fires counts, and a page says nothing within its window after such an
alert. And a window that is longer than what is recorded is not judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from alerts.prometheus import annotations
from alerts.prometheus.alert_rules import AGREED, FIRING, with_info
from alerts.prometheus.promql import (
    GLOBAL,
    JOIN,
    SITE,
    Alerting,
    Recording,
    Rule,
    duration,
    names,
    number,
    on,
)
from probe.core.model import SUCCESS
from probe.core.thresholds import Symptom

BURN = "ErrorBudgetBurn"
ERROR, BUDGET, UNREPORTED = (
    "probe:objective:error",
    "probe:objective:budget",
    "probe:objective:unreported",
)
# A value is to keep its objective for 95 % of the time.
VALUE_BUDGET = 0.05
KEEP_SECONDS = 300.0

_ONE = (*GLOBAL, "signal")
_PASSES = "probe:check:success"
_AVAILABILITY = f'signal="{SUCCESS.name}"'
_DOWN = f'symptom="{Symptom.DOWN.value}"'
_CHECK = (*SITE, "check")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget burns (1: all of it in 30 days), seen over two windows in seconds."""

    rate: float
    long: float
    short: float
    pages: bool


BURNS = (
    Burn(14.4, _HOUR, 5 * _MINUTE, True),
    Burn(6, 6 * _HOUR, 30 * _MINUTE, True),
    Burn(3, _DAY, 2 * _HOUR, False),
    Burn(1, 3 * _DAY, 6 * _HOUR, False),
)
# Window, what it is made of, and every so many seconds of it: few samples for a long window.
_WINDOWS = (
    (5 * _MINUTE, 0.0, 0.0),
    (30 * _MINUTE, 0.0, 0.0),
    (_HOUR, 0.0, 0.0),
    (2 * _HOUR, 30 * _MINUTE, 5 * _MINUTE),
    (6 * _HOUR, _HOUR, 10 * _MINUTE),
)
_LONG_WINDOWS = ((_DAY, _HOUR, 15 * _MINUTE), (3 * _DAY, 6 * _HOUR, 90 * _MINUTE))


def windowed(window: float) -> str:
    """The recorded mean error of a window, of what no alert has reported."""
    return f"{UNREPORTED}_{duration(window)}"


def errors() -> Iterator[Rule]:
    """Every objective's error and budget at this moment."""
    by = names(GLOBAL)
    info = with_info("probe_success")
    yield Recording(_PASSES, f"max by ({by}, region) ({info})")
    regions = f"count by ({by}) ({_PASSES})"
    yield Recording(
        ERROR,
        f"(count by ({by}) ({_PASSES} == 0) >= bool {on(GLOBAL)} clamp_max({regions}, 2))\n"
        f"or 0 * {regions}",
        {"signal": SUCCESS.name},
    )
    missed = "\nor ".join(_missed(side, sign) for side, sign in (("above", ">"), ("below", "<")))
    yield Recording(ERROR, f"avg by ({names(_ONE)}) (\n{with_info(f'({missed})')}\n)")
    share = "probe_check_info * on (job, instance, kind) group_left () probe_objective_ratio"
    yield Recording(BUDGET, f"1 - max by ({by}) ({share})", {"signal": SUCCESS.name})
    values = f'{ERROR}{{signal!="{SUCCESS.name}"}}'
    yield Recording(BUDGET, f"0 * {values} + {number(VALUE_BUDGET)}")
    yield Recording(
        UNREPORTED,
        f"({ERROR}{{{_AVAILABILITY}}} unless {on(_CHECK)} {FIRING}{{{_DOWN}}})\n"
        f'or ({ERROR}{{signal!="{SUCCESS.name}"}} unless {on(_CHECK)} {FIRING})\n'
        f"or 0 * {ERROR}",
    )


def _missed(side: str, sign: str) -> str:
    join = on((*JOIN, "signal"))
    limit = (
        f'max by ({names((*JOIN, "signal"))}) (probe_threshold{{level="objective", bad="{side}"}})'
    )
    return f"(probe_judged {sign} bool {join} group_left () {limit})"


def windows() -> Iterator[Rule]:
    """The error over minutes and hours."""
    return _recorded(_WINDOWS)


def long_windows() -> Iterator[Rule]:
    """The error over days."""
    return _recorded(_LONG_WINDOWS)


def _recorded(found: tuple[tuple[float, float, float], ...]) -> Iterator[Rule]:
    for window, base, step in found:
        source = windowed(base) if base else UNREPORTED
        every = f":{duration(step)}" if step else ""
        yield Recording(windowed(window), f"avg_over_time({source}[{duration(window)}{every}])")


def alerts() -> Iterator[Rule]:
    """A page and a ticket on availability, tickets on values that miss their objectives."""
    severe = f'{on(_CHECK)} probe_check_info{{severity="critical", partial=""}}'
    availability, values = f"{{{_AVAILABILITY}}}", f'{{signal!="{SUCCESS.name}"}}'
    alerting = f'{on((*_CHECK, "signal"))} probe_threshold{{level="warning"}}'
    # What fails now is about to be reported, or over before that.
    settled = f"unless {on(_ONE)} ({ERROR}{availability} == 1)"
    yield _alert("critical", f"{_pairs(availability, pages=True)}\nand {severe}\n{settled}")
    tickets = _pairs(values, pages=False)
    yield _alert("warning", f"{_pairs(availability, pages=False)}\nor\n({tickets}\nand {alerting})")
    # Where the operators set no warning; our routes send it to no receiver.
    yield _alert("info", f"{tickets}\nunless {alerting}")


def _alert(severity: str, expr: str) -> Alerting:
    texts = {
        "summary": "{{ $labels.check }}: the error budget of {{ $labels.signal }} burns too fast",
        "description": "{{ $value | humanizePercentage }} of the time were errors that no other "
        "alert has reported: short ones, or such as only add up.",
        **annotations.links(),
    }
    return Alerting(BURN, expr, {"severity": severity, "scope": "global"}, texts, keep=KEEP_SECONDS)


def _pairs(which: str, *, pages: bool) -> str:
    pairs = "\nor\n".join(_pair(burn, which) for burn in BURNS if burn.pages is pages)
    return f"(\n{pairs}\n)"


def _pair(burn: Burn, which: str) -> str:
    same, allowed = on(_ONE), f"{number(burn.rate)} * {BUDGET}"
    long, short = windowed(burn.long), windowed(burn.short)
    expr = (
        f"  ({long}{which} > {same} {allowed})\n"
        f"  and {same} ({short} > {same} {allowed})\n"
        # Without so much history the window says nothing yet.
        f"  and {same} ({windowed(_WINDOWS[0][0])} offset {duration(burn.long)})"
    )
    if burn.pages:
        told = f"count_over_time({AGREED}{{{_DOWN}}}[{duration(burn.long)}])"
        expr += f"\n  unless {on(_CHECK)} {told}"
    return expr
