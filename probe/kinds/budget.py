"""``budget``: what watching itself takes from each plan, forecast and counted.

A check for each plan that the others touch, derived from them. What they cause behind the
backend is in it: /health wakes the database, a signaling session asks Redis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, InstanceOf, model_validator

from probe.budget.plans import (
    DAY,
    HOUR,
    MONTH_DAYS,
    Budget,
    Consumer,
    Period,
    PlanUnit,
    Quota,
    consumers_by_plan,
    format_amount,
    terms_of,
)
from probe.budget.quota_usage import QuotaUsage
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.field_types import Ratio
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind
from probe.core.model import FailurePolicy, Limits, Signal, Threshold, Unit, Verdict
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks

# Under which the ledger is shared by all runs.
LEDGER = "ledger"

FORECAST = Signal(
    "probe_budget_forecast",
    Unit.COUNT,
    "What the checks use of the plan in 31 days at their intervals: bytes, commands "
    "or seconds awake.",
)
USED = Signal(
    "probe_budget_used", Unit.COUNT, "What the checks have used in the plan's current day or month."
)
ALLOWED = Signal(
    "probe_budget_allowed", Unit.COUNT, "What the checks may use in the plan's day or month."
)
FORECAST_SHARE = Signal(
    "probe_budget_forecast_ratio",
    Unit.RATIO,
    "What the checks use in the plan's day or month at their intervals, as a share of what they "
    "may use.",
    column="forecast",
    display_name="forecast of the budget used",
)
USED_SHARE = Signal(
    "probe_budget_used_ratio",
    Unit.RATIO,
    "What the checks have used in the current day or month, as a share of what they may use.",
    column="used",
    display_name="budget used",
)
PLAN_SHARE = Signal(
    "probe_budget_plan_used_ratio",
    Unit.RATIO,
    "What the checks have used in the current day or month, as a share of the whole plan.",
    display_name="plan used by the checks",
)
ESTIMATE = Signal(
    "probe_budget_plan_estimate_ratio",
    Unit.RATIO,
    "Estimate of all bytes relayed this month, as a share of the plan: the probe's own, and the "
    "application's open sessions by its TURN share and an assumed rate.",
    display_name="estimated plan use",
)
ESTIMATE_AHEAD = Signal(
    "probe_budget_plan_estimate_forecast_ratio",
    Unit.RATIO,
    "The same at the month's end at the current rate: an estimate.",
    display_name="estimated plan use at the month's end",
)
_SECONDS: Mapping[Period, float] = {"day": DAY, "month": MONTH_DAYS * DAY}
# Less time than this gives no rate for a forecast.
_MIN_SECONDS = 12 * HOUR


class BudgetEnvironment(Environment):
    """Reads nothing: budgets follow from the other checks."""


class BudgetTable(CheckConfig):
    """One plan: ``allowance`` in its unit for each ``period``, of which watching may take
    the ``share``. ``drains`` are derived.

    ``session_rate`` is how many bytes a second a relayed call is assumed to take.
    """

    plan: str
    """Plan that checks draw from: `turn-PROVIDER`, `upstash`, `neon` or `vercel`. Example:
    `upstash`"""
    allowance: float = Field(gt=0, allow_inf_nan=False)
    """What the plan includes in each period, in its unit. Example: `500000`"""
    unit: PlanUnit
    """Unit of the plan. Example: `commands`"""
    period: Period
    """Period after which the plan renews. Example: `month`"""
    share: Ratio = Field(default=0.1, gt=0, le=1)
    """Share of the plan that the probe may use. Example: `0.2`"""
    session_rate: float = Field(default=250_000, gt=0, allow_inf_nan=False)
    """Assumed traffic of a relayed call, in bytes per second. Example: `250000`"""
    drains: tuple[InstanceOf[Consumer], ...]
    """Checks that draw from the plan; derived, not written."""

    @model_validator(mode="before")
    @classmethod
    def _derived(cls, raw: object) -> Any:
        if isinstance(raw, dict) and "drains" not in raw:
            raise ValueError("no check takes from such a plan: name a budget that probe list shows")
        return raw

    @property
    def budget(self) -> Budget:
        """What the plan holds, and everything that takes from it."""
        terms = Quota(self.allowance, self.unit, self.period, self.share)
        return Budget(self.plan, terms, self.drains)

    @property
    def target(self) -> str:
        return self.plan

    @property
    def labels(self) -> dict[str, str]:
        return {"plan": self.plan}


def derive_from_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """A budget for each plan that the checks take from and whose terms are known."""
    tables = []
    for plan, drains in consumers_by_plan(checks).items():
        terms = terms_of(plan)
        if terms is not None:
            name = f"budget-{plan}"
            known = {"allowance": terms.allowance, "unit": terms.unit, "period": terms.period}
            shares = {"share": terms.share, "drains": drains}
            tables.append({"name": name, "plan": plan, **known, **shares})
    return tables


async def run(table: BudgetTable, record: Recorder, context: Context) -> None:
    """Compare intervals and counts with the quota; no request is sent."""
    record.current = "count"
    budget, terms = table.budget, table.budget.terms
    record.sample(FORECAST, budget.per_month)
    record.sample(ALLOWED, terms.most)
    record.sample(FORECAST_SHARE, budget.per_period / terms.most)
    record.facts["forecast"] = f"{format_amount(budget.per_month, terms.unit)} in 31 days"
    ledger, now = context.get_or_create(LEDGER, QuotaUsage), context.now()
    if ledger.since is None:
        return
    used = ledger.used(table.plan, table.period, now)
    record.sample(USED, used)
    record.sample(USED_SHARE, used / terms.most)
    record.sample(PLAN_SHARE, used / terms.allowance)
    relayed = ledger.relayed(table.plan, table.period, now)
    if relayed is not None:
        _estimate((used + relayed) / terms.allowance, ledger.since, table, record, now)
    record.facts["used"] = f"{format_amount(used, terms.unit)} this {table.period}"


def _estimate(share: float, since: float, table: BudgetTable, record: Recorder, now: float) -> None:
    record.sample(ESTIMATE, share)
    counted = min(now - since, _SECONDS[table.period])
    if counted >= _MIN_SECONDS:
        record.sample(ESTIMATE_AHEAD, share * _SECONDS[table.period] / counted)
    record.facts["estimate"] = (
        "the provider reports no usage; estimated from our bytes and the TURN share"
    )


def config_warnings(table: BudgetTable) -> tuple[str, ...]:
    """Intervals that take more than they may."""
    warning = table.budget.warning
    return (warning,) if warning else ()


KIND = Kind(
    name="budget",
    summary="what the checks draw from each hosting plan: forecast, and counted",
    environment=BudgetEnvironment,
    table=BudgetTable,
    derive=lambda _: DerivedChecks(),
    run=run,
    signals=(
        FORECAST,
        USED,
        ALLOWED,
        FORECAST_SHARE,
        USED_SHARE,
        PLAN_SHARE,
        ESTIMATE,
        ESTIMATE_AHEAD,
    ),
    thresholds=(
        Threshold(FORECAST_SHARE, Limits(warning=1.0)),
        Threshold(USED_SHARE, Limits(warning=1.0), optional=True),
        Threshold(PLAN_SHARE, Limits(critical=0.999), optional=True),
        Threshold(ESTIMATE, Limits(warning=1.0), optional=True),
        Threshold(ESTIMATE_AHEAD, Limits(warning=1.0), optional=True),
    ),
    components=("HostingQuota",),
    failing=FailurePolicy(Verdict.WARNING),
    cost="nothing: it counts",
    derive_from_checks=derive_from_checks,
    config_warnings=config_warnings,
    interval=300.0,
    retry=300.0,
    plot=USED_SHARE,
    runbooks=Runbooks("quota", "quota"),
)
