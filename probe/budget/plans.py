"""Quota usage of the checks, computed from their intervals. Pure.

Amounts are in the plan's unit: bytes, commands, or seconds awake. A month is one of 31 days.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from probe.core.kind import Check, QuotaUse

DAY = 86400.0
MONTH_DAYS = 31
HOUR = 3600.0

Period = Literal["day", "month"]
PlanUnit = Literal["bytes", "commands", "seconds"]

# Targets on this machine use no quota.
_LOCAL = re.compile(r"(?:^|[/:@\[])(?:localhost|127(?:\.\d+){3}|::1)(?:[\]:/?]|$)")


class Quota(Struct, frozen=True):
    """The quota of a plan for a ``period``, and the ``share`` of it that checks may use."""

    allowance: float
    unit: PlanUnit
    period: Period
    share: float

    @property
    def most(self) -> float:
        """What checks may use in a period."""
        return self.allowance * self.share


# Neon's free plan: a compute hour is an hour awake of a compute of size 1, and the smallest
# has size 0.25 (https://neon.com/docs/introduction/legacy-plans), so 191.9 of them are
# 767.6 hours awake. Being awake is what its operators want, so all of it may be taken.
NEON = Quota(191.9 * HOUR / 0.25, "seconds", "month", 1.0)
UPSTASH = Quota(10_000, "commands", "day", 0.1)
VERCEL = Quota(100e9, "bytes", "month", 0.1)
# OpenRelay's; what another provider's plan holds, its operators know.
TURN = Quota(20e9, "bytes", "month", 0.1)


def terms_of(plan: str) -> Quota | None:
    """What is known of a plan; None where nothing is."""
    if plan.startswith("turn-"):
        return TURN
    return {"neon": NEON, "upstash": UPSTASH, "vercel": VERCEL}.get(plan)


def is_local(target: str) -> bool:
    """Whether a target is on this machine, where it uses no quota."""
    return _LOCAL.search(target) is not None


def uses_of(check: Check) -> tuple[QuotaUse, ...]:
    """What one run of a check uses of quotas; nothing for a target on this machine, nor for checks
    that only run on request."""
    if is_local(check.table.target) or not check.is_regular:
        return ()
    return check.kind.uses(check.table)


class Consumer(Struct, frozen=True):
    """One check's part: ``amount`` for each run, every ``interval`` seconds.

    With ``shared_window`` the amount is time: runs that follow sooner share it.
    """

    check: str
    interval: float
    amount: float
    shared_window: bool = False

    def within(self, seconds: float) -> float:
        """The most that it would use within ``seconds`` if it were the only one: whole runs."""
        taken = self.amount * math.ceil(seconds / self.interval - 1e-9)
        return min(taken, seconds) if self.shared_window else taken


class Budget(Struct, frozen=True):
    """A plan, and all its consumers."""

    plan: str
    terms: Quota
    consumers: tuple[Consumer, ...]

    def within(self, seconds: float) -> float:
        """The most that all use within ``seconds``, never less than what is counted then: an
        interval that doesn't divide the time has its last run in it whole. Checks with a shared
        window that are far apart keep the same target awake at different times."""
        waking = sum(each.within(seconds) for each in self.consumers if each.shared_window)
        return min(waking, seconds) + sum(
            each.within(seconds) for each in self.consumers if not each.shared_window
        )

    @property
    def per_month(self) -> float:
        """The most that all use in a month of 31 days."""
        return self.within(MONTH_DAYS * DAY)

    @property
    def per_period(self) -> float:
        """What all use in the plan's own period."""
        return self.within(self._period_seconds)

    @property
    def _period_seconds(self) -> float:
        return DAY if self.terms.period == "day" else MONTH_DAYS * DAY

    @property
    def exceeds(self) -> bool:
        """Whether the intervals exceed what checks may use."""
        return self.per_period > self.terms.most * (1 + 1e-9)

    @property
    def suggested_interval(self) -> str:
        """Which interval would fit, in words; empty where all is within the budget."""
        if not self.exceeds:
            return ""
        most, seconds = self.terms.most, self._period_seconds
        largest = max(self.consumers, key=lambda drain: drain.within(seconds))
        others = [each for each in self.consumers if each is not largest]
        runs = (most - Budget(self.plan, self.terms, tuple(others)).per_period) // largest.amount
        if runs >= 1 and (fitting := _rounded(seconds / runs)) <= DAY:
            return f"an interval of {fitting:g} s for {largest.check} would fit"
        # No single check can make up for it.
        names = ", ".join(each.check for each in self.consumers)
        if sum(each.amount for each in self.consumers) > most:
            return f"a single run of each of {names} takes more than that"
        return f"intervals {self._fitting_factor():g} times as long for {names} would fit"

    def _fitting_factor(self) -> float:
        """How many times as long all intervals must be, in tenths; one run of each has to fit."""
        whole = sum(each.amount * self._period_seconds / each.interval for each in self.consumers)
        tenths = math.ceil(whole / self.terms.most * 10)
        while self._stretched(tenths / 10).exceeds:
            tenths += 1
        return tenths / 10

    def _stretched(self, factor: float) -> "Budget":
        longer = (replace(each, interval=each.interval * factor) for each in self.consumers)
        return Budget(self.plan, self.terms, tuple(longer))

    @property
    def warning(self) -> str:
        """What is wrong with the intervals, and what would be right; empty where nothing is."""
        if not self.exceeds:
            return ""
        terms = self.terms
        return (
            f"watching would take {format_amount(self.per_period, terms.unit)} of {self.plan} in a "
            f"{terms.period}, more than the {format_amount(terms.most, terms.unit)} that it may "
            f"({terms.share * 100:g} % of {format_amount(terms.allowance, terms.unit)}): "
            f"{self.suggested_interval}"
        )


def consumers_by_plan(checks: Sequence[Check]) -> dict[str, tuple[Consumer, ...]]:
    """All consumers, by plan, in the order of the checks."""
    found: dict[str, tuple[Consumer, ...]] = {}
    for check in checks:
        for use in uses_of(check):
            drain = Consumer(check.name, check.interval, use.amount, use.shared_window)
            found[use.plan] = (*found.get(use.plan, ()), drain)
    return found


def format_amount(value: float, unit: PlanUnit) -> str:
    """An amount for people: ``1.25 GB``, ``912 commands``, ``744 h awake``."""
    if unit == "bytes":
        return f"{value / 1e9:.3g} GB" if value >= 1e9 else f"{value / 1e6:.3g} MB"
    if unit == "seconds":
        return f"{value / HOUR:,.4g} h awake"
    return f"{value:,.0f} commands"


def _rounded(seconds: float) -> float:
    """Up to the next whole minute."""
    return math.ceil(seconds / 60 - 1e-9) * 60.0
