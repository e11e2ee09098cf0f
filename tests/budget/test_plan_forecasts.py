"""What a day takes from each plan is what was forecast, and what is counted is held against it."""

import pytest

from alerts.evaluation.verdict import judge
from probe.budget.plans import UPSTASH, Consumer, uses_of
from probe.budget.quota_usage import RELAYED, SESSIONS, QuotaUsage
from probe.config.check_plan import CheckPlan
from probe.core.context import Context
from probe.core.kind import Check, QuotaUse
from probe.core.model import Result, Sample, Signal, Status, Unit, Verdict
from probe.core.runner import run_check
from probe.daemon.schedule import Schedule, stagger
from probe.kinds import KINDS
from probe.kinds.budget import LEDGER, BudgetTable
from tests.budget.test_plans import DAY, at, budgets, plan_of
from tests.clocks import Clock, settle
from tests.kinds.http_helpers import values


async def _day(plan: CheckPlan, ledger: QuotaUsage, start: float) -> tuple[float, dict[str, int]]:
    """Run a plan by the real schedule on a clock that jumps from turn to turn: its first
    hour, and then from midnight to midnight. When the day began, and runs of each check."""
    clock = Clock(start - 7200.0)
    checks = {check.name: check for check in plan.checks}
    runs = dict.fromkeys(checks, 0)

    async def run(name: str) -> None:
        if clock() >= start:
            runs[name] += 1
        ledger.add(uses_of(checks[name]), clock())

    schedule = Schedule(run, clock=clock)
    schedule.start()
    ledger.start(clock())
    for timing in stagger([(check.name, check.interval) for check in plan.checks]):
        schedule.add(timing)
    while True:
        due = min(turn for name in checks if (turn := schedule.next_run_at(name)) is not None)
        if due >= start + DAY:
            break
        clock.seconds = max(clock.seconds, due)
        schedule.wake()
        await settle()
    await schedule.stop()
    assert not any(schedule.missed.values())
    assert not any(schedule.skipped.values())
    return start + DAY - 1, runs


async def test_a_day_at_default_intervals_stays_within_every_budget_and_is_as_forecast() -> None:
    plan, ledger = plan_of(), QuotaUsage()
    end, runs = await _day(plan, ledger, at(15))
    found = budgets(plan)
    assert runs["health"] == 8640
    assert runs["signaling"] == 120
    for table in found.values():
        counted = ledger.used(table.plan, "day", end)
        # A day holds whole runs, also of intervals that don't divide it: one of each fewer at most.
        fewer = sum(drain.amount for drain in table.drains)
        assert table.budget.within(DAY) - fewer <= counted <= table.budget.within(DAY), table.plan
        assert counted * (1 if table.period == "day" else 31) <= table.budget.terms.most
    assert ledger.used("upstash", "day", end) == 912
    assert ledger.used("neon", "day", end) == pytest.approx(DAY)


async def test_a_day_at_other_intervals_is_as_forecast_too() -> None:
    tables = {
        "http": [{"name": "health", "enabled": False}, {"name": "ready", "enabled": False}],
        "signaling": [{"name": "signaling", "interval": 1800, "round_trips": 2}],
        "postgres": [{"name": "postgres", "interval": 3600}],
        "app_metrics": [{"name": "app-metrics", "enabled": False}],
    }
    plan, ledger = plan_of(tables), QuotaUsage()
    end, _ = await _day(plan, ledger, at(15))
    assert ledger.used("neon", "day", end) == budgets(plan)["neon"].budget.within(DAY) == 24 * 300
    assert ledger.used("upstash", "day", end) == budgets(plan)["upstash"].budget.within(DAY) == 360


# The check


def _check(plan: CheckPlan, name: str) -> Check:
    return next(check for check in plan.checks if check.name == name)


async def _look(check: Check, ledger: QuotaUsage | None, now: float) -> Result:
    context = Context(now=Clock(now))
    if ledger is not None:
        context.get_or_create(LEDGER, lambda: ledger)
    return await run_check(check, context)


async def test_a_single_run_has_a_forecast_and_no_count() -> None:
    result = await _look(_check(plan_of(), "budget-upstash"), None, at(1))
    assert result.status is Status.OK
    found = values(result)
    assert found["probe_budget_forecast_ratio"] == 0.912
    assert found["probe_budget_forecast"] == 28_272
    assert not {name for name in found if "used" in name}


async def test_what_was_counted_is_held_against_what_may_be_taken() -> None:
    ledger, check = QuotaUsage(), _check(plan_of(), "budget-upstash")
    ledger.start(at(1))
    ledger.add((QuotaUse("upstash", 900.0),), at(1, 1))
    within = await _look(check, ledger, at(1, 2))
    ledger.add((QuotaUse("upstash", 200.0),), at(1, 3))
    beyond = await _look(check, ledger, at(1, 4))
    ledger.add((QuotaUse("upstash", 8900.0),), at(1, 5))
    spent = await _look(check, ledger, at(1, 6))
    next_day = await _look(check, ledger, at(2))
    assert values(within)["probe_budget_used_ratio"] == 0.9
    assert [_verdict(check, each) for each in (within, beyond, spent, next_day)] == [
        Verdict.OK,
        Verdict.WARNING,
        Verdict.CRITICAL,
        Verdict.OK,
    ]


async def test_users_calls_are_estimated_where_the_application_reports() -> None:
    """10 sessions, 20 % relayed, 250 kB/s each: 0.5 MB a second, 1.8 GB an hour."""
    sessions = Signal("probe_app_active_sessions", Unit.COUNT, "Sessions.")
    relayed = Signal("probe_turn_fallback_ratio", Unit.RATIO, "Share.")
    ledger = QuotaUsage()
    ledger.start(at(1))
    for minute in range(0, 121, 10):
        samples = (Sample(sessions, 10.0), Sample(relayed, 0.2))
        ledger.estimate_users(samples, "turn-primary", 250_000.0, at(1) + minute * 60)
    assert ledger.relayed("turn-primary", "month", at(1, 2)) == pytest.approx(3.6e9)
    table = {
        "name": "budget-turn-primary",
        "plan": "turn-primary",
        "allowance": 20e9,
        "unit": "bytes",
        "period": "month",
        "drains": (Consumer("turn-primary-udp", 300.0, 20e3),),
    }
    check = Check(KINDS[-1], BudgetTable.model_validate(table))
    early, later = await _look(check, ledger, at(1, 2)), await _look(check, ledger, at(2))
    assert values(early)["probe_budget_plan_estimate_ratio"] == pytest.approx(0.18)
    assert "probe_budget_plan_estimate_forecast_ratio" not in values(early)
    assert values(later)["probe_budget_plan_estimate_forecast_ratio"] == pytest.approx(0.18 * 31)
    assert "reports no usage" in later.facts["estimate"]
    assert _verdict(check, later) is Verdict.WARNING


def test_nothing_is_estimated_where_the_application_is_silent() -> None:
    ledger = QuotaUsage()
    ledger.estimate_users((), "turn-primary", 250_000.0, at(1))
    ledger.estimate_users((), "turn-primary", 250_000.0, at(1, 0.1))
    assert ledger.relayed("turn-primary", "month", at(1, 1)) is None


def _verdict(check: Check, result: Result) -> Verdict:
    return judge([check], {check.name: result}, set()).verdict


def test_every_signal_of_the_estimate_is_measured_by_a_kind() -> None:
    known = {signal.name for kind in KINDS for signal in kind.signals}
    assert {SESSIONS, RELAYED} <= known


def test_upstash_is_what_the_operators_say_it_is() -> None:
    assert (UPSTASH.allowance, UPSTASH.period, UPSTASH.most) == (10_000, "day", 1000)
