"""The journey is off unless it is asked for, and what it takes is declared."""

from typing import Any

import pytest

from probe.budget.plans import UPSTASH, Budget, consumers_by_plan
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.kinds import KINDS, journey
from probe.kinds.journey import KIND

BACKEND = {"BACKEND_URL": "https://paircam.live"}


def journeys(variables: dict[str, str], *tables: dict[str, Any]) -> list[str]:
    plan = make_plan([KIND], Variables(variables), {"journey": tables})
    return [check.name for check in plan.checks]


@pytest.mark.parametrize("word", ["", "false", "0", "no"])
def test_it_is_off_unless_it_is_asked_for(word: str) -> None:
    assert journeys({**BACKEND, "PROBE_JOURNEY": word}) == []
    plan = make_plan([KIND], Variables(BACKEND), {})
    assert "PROBE_JOURNEY is not true" in plan.skipped[0].reason


def test_a_variable_or_a_table_asks_for_it() -> None:
    assert journeys({**BACKEND, "PROBE_JOURNEY": "true"}) == ["journey"]
    assert journeys(BACKEND, {"name": "journey"}) == ["journey"]
    assert journeys({}, {"name": "elsewhere", "url": "https://staging.example.org"}) == [
        "elsewhere"
    ]


def test_a_table_has_the_secret_of_the_environment() -> None:
    plan = make_plan(
        [KIND], Variables({**BACKEND, "JWT_SECRET": "s"}), {"journey": [{"name": "journey"}]}
    )
    table = plan.checks[0].table
    assert isinstance(table, journey.JourneyTable)
    assert table.jwt_secret is not None
    assert table.target == "https://paircam.live"


def test_with_the_default_checks_it_stays_within_a_tenth_of_upstash_quota() -> None:
    variables = {
        **BACKEND,
        "PROBE_JOURNEY": "true",
        "REDIS_URL": "rediss://default:x@some.upstash.io:6379",
    }
    drains = consumers_by_plan(make_plan(KINDS, Variables(variables), {}).checks)["upstash"]
    assert any(drain.check == "journey" for drain in drains)
    assert not Budget("upstash", UPSTASH, drains).exceeds


def test_a_failure_is_confirmed_before_it_is_reported() -> None:
    first = Check(KIND, _table()).retry_delay(Cause.DEADLINE, failing=0.0)
    assert first + _table().deadline < KIND.failing.hold


def test_a_stranger_is_not_followed_by_another_one() -> None:
    check = Check(KIND, _table())
    assert check.retry_delay(Cause.STRANGER_MATCHED, failing=0.0) == check.interval


def test_a_day_of_failing_does_not_spend_the_day_of_upstash() -> None:
    check = Check(KIND, _table())
    looks = [0.0]
    while looks[-1] < 86_400:
        looks.append(looks[-1] + check.retry_delay(Cause.DEADLINE, looks[-1]))
    uses = {use.plan: use.amount for use in KIND.uses(_table())}
    assert 10 < len(looks) < 16
    # The last one is the next day's.
    assert (len(looks) - 1) * uses["upstash"] <= UPSTASH.most
    assert uses["turn-issued"] > 10_000


def _table() -> journey.JourneyTable:
    return journey.JourneyTable.model_validate({"name": "journey", "url": "https://paircam.live"})
