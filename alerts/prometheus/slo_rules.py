"""Error budgets over 30 days, and rules on how fast they burn.

Multi-window, multi-burn-rate alerts as in chapter 5 of The Site Reliability Workbook
(Google, 2018), its pairs joined: one page, one ticket. An error is a share of the time in which
regions agree that a check fails, or that a judged value misses its objective.

Two things differ from the book. What an alert has reported already does not use up the budget a
second time: only the time before it fires counts, and a page says nothing within its window after
such an alert. And a window that is longer than what is recorded is not judged.
"""

from collections.abc import Iterator

from msgspec import Struct

from alerts.prometheus import annotations
from alerts.prometheus.alert_rules import AGREED, FIRING
from alerts.prometheus.promql import (
    GLOBAL,
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
# The burn rate of this moment, where it isn't 0; and 1 at every evaluation.
RATE, RECORDED = "probe:objective:burn_rate", "probe:objective:evaluations"
# A value is to keep its objective for 95 % of the time.
VALUE_BUDGET = 0.05
KEEP_SECONDS = 300.0

_ERROR = "probe:objective:error"
_ONE = (*GLOBAL, "signal", "urgency")
_AVAILABILITY = f'{{signal="{SUCCESS.name}"}}'
_VALUES = f'{{signal!="{SUCCESS.name}"}}'
_DOWN = f'symptom="{Symptom.DOWN.value}"'
_CHECK = (*SITE, "check")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Burn(Struct, frozen=True):
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


def errors() -> Iterator[Rule]:
    """What is an error at this moment, and how fast it burns its budget."""
    by, one = names(_CHECK), names(_ONE)
    missed = "probe_objective_missed"
    regions = f"count by ({by}, region) (probe_success and {on(_CHECK)} {missed})"
    blind = f"count by ({by}, region) ({missed})"
    yield Recording(
        _ERROR,
        f"count by ({one}) (count by ({one}, region) ({missed}))\n"
        f">= {on(_CHECK)} group_left () clamp_max(count by ({by}) (\n"
        f"  {regions} or {blind}\n), 2)",
    )
    kind = (*SITE, "kind")
    allowed = f"(1 - max by ({names(kind)}) (probe_objective_ratio))"
    yield Recording(
        RATE,
        f"(0 * {_ERROR}{_AVAILABILITY} + 1) / {on(kind)} group_left () {allowed}\n"
        f"unless {on(_CHECK)} {FIRING}{{{_DOWN}}}",
        {"signal": SUCCESS.name},
    )
    yield Recording(
        RATE,
        f"(0 * {_ERROR}{_VALUES} + {number(1 / VALUE_BUDGET)}) unless {on(_CHECK)} {FIRING}",
    )
    yield Recording(RECORDED, "vector(1)")


def windowed(window: float) -> str:
    """The mean burn rate of a window."""
    over = f"[{duration(window)}]"
    return f"(sum_over_time({RATE}{over}) / on () group_left () count_over_time({RECORDED}{over}))"


def alerts() -> Iterator[Rule]:
    """A page, where a failure pages; a ticket; and where the operators set no warning, what our
    routes send to no receiver."""
    # What fails now is about to be reported, or over before that.
    settled = f"unless {on(_ONE)} {_ERROR}"
    yield _alert("critical", f"{_pairs(_urgent('page'), pages=True)}\n{settled}")
    yield _alert("warning", _pairs(_urgent("page|ticket"), pages=False))
    yield _alert("info", _pairs(_urgent("info"), pages=False))


def _urgent(which: str) -> str:
    return f'{{urgency=~"{which}"}}' if "|" in which else f'{{urgency="{which}"}}'


def _alert(severity: str, expr: str) -> Alerting:
    texts = {
        "summary": "{{ $labels.check }}: the error budget of {{ $labels.signal }} burns "
        "{{ $value | humanize }} times too fast",
        "description": "By errors that no other alert has reported: short ones, or such as only "
        "add up. At a rate of 1 the budget lasts for 30 days.",
        **annotations.links(),
    }
    return Alerting(BURN, expr, {"severity": severity, "scope": "global"}, texts, keep=KEEP_SECONDS)


def _pairs(which: str, *, pages: bool) -> str:
    pairs = "\nor\n".join(_pair(burn, which) for burn in BURNS if burn.pages is pages)
    return f"(\n{pairs}\n)"


def _pair(burn: Burn, which: str) -> str:
    long, short = (windowed(each).replace(RATE, RATE + which) for each in (burn.long, burn.short))
    expr = (
        f"  ({long} > {number(burn.rate)})\n"
        f"  and {on(_ONE)} ({short} > {number(burn.rate)})\n"
        # Without so much history the window says nothing yet.
        f"  and on () ({RECORDED} offset {duration(burn.long)})"
    )
    if burn.pages:
        reported = f"count_over_time({AGREED}{{{_DOWN}}}[{duration(burn.long)}])"
        expr += f"\n  unless {on(_CHECK)} {reported}"
    return expr
