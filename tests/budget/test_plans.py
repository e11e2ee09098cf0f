"""What watching takes from plans: forecast by intervals, counted by runs, and both the same."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from probe.budget.plans import NEON, Budget, Consumer, Quota, consumers_by_plan, uses_of
from probe.config.check_plan import CheckPlan, make_plan
from probe.core.environment import ConfigurationError, Variables
from probe.core.kind import DerivedChecks, QuotaUse
from probe.kinds import KINDS
from probe.kinds.budget import BudgetTable
from tests.fake_kind import toy_kind

DAY = 86400.0
PAIRCAM = {
    "BACKEND_URL": "https://paircam.live",
    "FRONTEND_URL": "https://paircam.live",
    "JWT_SECRET": "x" * 32,
    "DATABASE_URL": "postgresql://u:p@ep-a.us-west-2.aws.neon.tech/db?sslmode=require",
    "REDIS_URL": "rediss://default:p@eu1-a.upstash.io:6379",
    "TURN_URLS": "turn:relay.example.org:3478 turns:relay.example.org:443?transport=tcp",
    "TURN_USERNAME": "u",
    "TURN_PASSWORD": "p",
    "APP_METRICS_URL": "https://paircam.live/metrics",
    "METERED_APP": "paircam",
    "METERED_SECRET_KEY": "k",
}


def plan_of(
    tables: Mapping[str, Any] | None = None, variables: Mapping[str, str] = PAIRCAM
) -> CheckPlan:
    return make_plan(KINDS, Variables(dict(variables)), tables or {})


def budgets(plan: CheckPlan) -> dict[str, BudgetTable]:
    tables = [check.table for check in plan.checks if isinstance(check.table, BudgetTable)]
    return {table.plan: table for table in tables}


def at(day: int, hour: float = 0.0, month: int = 6) -> float:
    return datetime(2026, month, day, tzinfo=UTC).timestamp() + hour * 3600


# What the intervals take


def test_the_default_intervals_stay_within_every_budget() -> None:
    found = budgets(plan_of())
    assert {"neon", "upstash", "vercel"} <= set(found)
    assert [table.budget.warning for table in found.values()] == [""] * len(found)


def test_all_redis_commands_together_are_a_tenth_of_the_plan_at_most() -> None:
    """A session is 7 commands every 720 s, the redis check 3 every hour."""
    upstash = budgets(plan_of())["upstash"].budget
    assert {drain.check for drain in upstash.consumers} == {"signaling", "redis"}
    assert upstash.within(DAY) == 120 * 7 + 24 * 3 == 912
    assert upstash.terms.most == 1000
    assert upstash.per_month == 31 * 912


def test_a_journey_in_addition_stays_within_the_tenth() -> None:
    """As counted with MONITOR on a running backend, and read from its source."""
    upstash = budgets(plan_of(variables={**PAIRCAM, "PROBE_JOURNEY": "true"}))["upstash"].budget
    taken = {drain.check: drain.amount for drain in upstash.consumers}
    assert taken == {"signaling": 7, "redis": 3, "journey": 95}
    # A day that has a journey takes all of its commands, whatever the mean of many days is.
    assert upstash.within(DAY) == 111 * 7 + 24 * 3 + 95
    assert upstash.within(DAY) <= upstash.terms.most
    assert not upstash.warning


def test_health_checks_keep_neon_awake_all_day_which_its_free_hours_allow() -> None:
    """191.9 compute hours at 0.25 of a compute are 767.6 hours; a month has 744 at most."""
    neon = budgets(plan_of())["neon"].budget
    assert {drain.check for drain in neon.consumers} == {
        "health",
        "ready",
        "postgres",
        "app-metrics",
    }
    assert neon.within(DAY) == DAY
    assert neon.per_month / 3600 == 744
    assert neon.terms.allowance / 3600 == pytest.approx(767.6)
    assert not neon.exceeds


def test_a_rare_query_lets_neon_suspend() -> None:
    sparse = Budget("neon", NEON, (Consumer("postgres", 3600.0, 300.0, shared_window=True),))
    assert sparse.within(DAY) == 24 * 300


def test_a_plan_with_100_compute_hours_is_said_not_to_last() -> None:
    """Neon's free plan of today: 400 hours awake at the smallest size."""
    tables = {"budget": [{"name": "budget-neon", "allowance": 100 * 3600 / 0.25}]}
    plan = plan_of(tables)
    (caution,) = (each for check in plan.checks for each in check.config_warnings)
    assert caution.startswith("budget-neon: watching would take 744 h awake of neon in a month")
    assert "more than the 400 h awake that it may" in caution


def test_five_round_trips_a_minute_are_more_than_upstash_has() -> None:
    tables = {"signaling": [{"name": "signaling", "interval": 60, "round_trips": 5}]}
    upstash = budgets(plan_of(tables))["upstash"].budget
    assert upstash.within(DAY) == 12_960 + 72
    # 9 commands of the 928 that the redis check leaves: every 837.9 s, in whole minutes.
    assert upstash.suggested_interval == "an interval of 840 s for signaling would fit"
    fitting = {"signaling": [{"name": "signaling", "interval": 840, "round_trips": 5}]}
    shorter = {"signaling": [{"name": "signaling", "interval": 780, "round_trips": 5}]}
    assert budgets(plan_of(fitting))["upstash"].budget.warning == ""
    assert budgets(plan_of(shorter))["upstash"].budget.warning != ""


@pytest.mark.parametrize("lingers", [False, True])
def test_where_no_single_interval_fits_all_of_them_do_when_stretched(lingers: bool) -> None:
    consumers = tuple(Consumer(f"c{n}", 600.0, 60.0, lingers) for n in range(9))
    terms = Quota(7000.0, "seconds", "day", 1.0)
    tight = Budget("p", terms, consumers)
    # 12 whole runs of each a day are 6480 s, 13 are 7020 s.
    assert "intervals 12 times as long for c0, c1" in tight.suggested_interval
    stretched = tuple(Consumer(each.check, 600 * 12, 60.0, lingers) for each in consumers)
    assert not Budget("p", terms, stretched).exceeds


def test_where_one_run_of_each_is_too_much_no_interval_is_suggested() -> None:
    drains = tuple(Consumer(f"c{n}", 600.0, 60.0) for n in range(9))
    small = Budget("p", Quota(500.0, "bytes", "day", 1.0), drains)
    assert small.suggested_interval.startswith("a single run of each of c0, c1")


@pytest.mark.parametrize("interval", [1380.0, 1560.0, 1740.0, 7.0, 50_000.0, 100_000.0])
@pytest.mark.parametrize("period", ["day", "month"])
def test_no_period_holds_more_runs_than_are_forecast(interval: float, period: Any) -> None:
    """A day of an interval that doesn't divide it has one run more than the quotient."""
    budget = Budget("p", Quota(1e12, "bytes", period, 1.0), (Consumer("c", interval, 1000.0),))
    seconds = DAY if period == "day" else 31 * DAY
    for phase in (0.0, 0.4 * interval, 0.999 * interval):
        runs = math.ceil(max(0.0, seconds - phase) / interval)
        assert 1000 * runs <= budget.per_period
    assert budget.per_period - 1000 < 1000 * seconds / interval


@pytest.mark.parametrize("amount", [900.0, 1234.5, 48_200.0])
@pytest.mark.parametrize("interval", [60.0, 77.0, 1560.0])
def test_an_interval_that_is_suggested_fits(amount: float, interval: float) -> None:
    terms = Quota(200_000.0, "bytes", "day", 1.0)
    other = Consumer("other", 7000.0, 300.0)
    tight = Budget("p", terms, (Consumer("c", interval, amount), other))
    if not tight.exceeds:
        return
    found = re.search(r"an interval of (\d+) s for c would fit", tight.suggested_interval)
    assert found is not None
    assert not Budget("p", terms, (Consumer("c", float(found[1]), amount), other)).exceeds


def test_what_runs_on_this_machine_takes_from_no_plan() -> None:
    for host in ("127.0.0.1:3333", "localhost:3333", "[::1]:3333"):
        variables = {"BACKEND_URL": f"http://{host}", "FRONTEND_URL": f"http://{host}"}
        plan = plan_of(variables=variables)
        assert budgets(plan) == {}
        assert [uses_of(check) for check in plan.checks] == [()] * len(plan.checks)
    assert consumers_by_plan(plan_of().checks) != {}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"FRONTEND_URL": "https://example.org"}, False),
        ({"FRONTEND_URL": "https://example.org", "TURN_URLS": "turn:relay.example.org"}, False),
        ({"FRONTEND_URL": "https://app.vercel.app/"}, True),
        ({"FRONTEND_URL": "https://a.org", "BACKEND_URL": "https://a.org"}, True),
    ],
)
def test_a_page_alone_takes_from_vercel_only_where_it_is_there(
    variables: dict[str, str], found: bool
) -> None:
    names = {check.name for check in plan_of(variables=variables).checks}
    assert ("budget-vercel" in names) is found


def test_a_disabled_check_takes_nothing() -> None:
    tables = {"redis": [{"name": "redis", "enabled": False}]}
    assert [each.check for each in budgets(plan_of(tables))["upstash"].drains] == ["signaling"]


def test_a_kind_of_a_plan_that_is_known_has_its_budget_without_more_ado() -> None:
    kind = toy_kind(
        derive=lambda _: DerivedChecks(tables=({"name": "toy", "interval": 60},)),
        uses=lambda _: (QuotaUse("turn-toys", 1e6), QuotaUse("unheard-of", 1.0)),
    )
    plan = make_plan((kind, KINDS[-1]), Variables({}), {})
    (table,) = budgets(plan).values()
    assert table.budget.per_month == 31 * 1440 * 1e6
    assert "watching would take 44.6 GB of turn-toys in a month" in table.budget.warning


def test_a_budget_of_what_no_one_uses_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan_of({"budget": [{"name": "budget-cloudflare", "allowance": 5}]})
    assert "no check takes from such a plan" in str(caught.value)


# What runs take
