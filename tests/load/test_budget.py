"""The budget of a load: nothing begins that might exceed it."""

import asyncio

import pytest
from msgspec.structs import astuple

from probe.lab import Lab
from probe.load.budget import BudgetSpent, LoadBudget, default_limit, iteration_cost
from probe.load.plan import JOURNEY, STEPS, LoadPlan, Spending, with_needed
from tests.load.loading import generator, target_at


async def test_a_step_waits_for_what_others_have_reserved_and_may_not_use() -> None:
    budget = LoadBudget(Spending(requests=3))
    await budget.reserve(Spending(requests=2))
    waiting = asyncio.create_task(budget.reserve(Spending(requests=2)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await budget.settle(Spending(requests=2), Spending(requests=1))
    assert await waiting is True
    assert budget.used == Spending(requests=1)


async def test_what_never_fits_is_refused_at_once() -> None:
    budget = LoadBudget(Spending(requests=3, turn_bytes=10))
    with pytest.raises(BudgetSpent):
        await budget.reserve(Spending(turn_bytes=11))
    await budget.reserve(Spending(requests=3, turn_bytes=10))


async def test_whoever_waits_is_refused_when_the_rest_is_used() -> None:
    budget = LoadBudget(Spending(requests=2))
    await budget.reserve(Spending(requests=2))
    waiting = asyncio.create_task(budget.reserve(Spending(requests=1)))
    await asyncio.sleep(0)
    await budget.settle(Spending(requests=2), Spending(requests=2))
    with pytest.raises(BudgetSpent):
        await waiting


@pytest.mark.parametrize("steps", [STEPS, with_needed(["session", JOURNEY])])
@pytest.mark.parametrize("minted", [True, False])
def test_the_default_budget_has_room_for_all_iterations_and_what_users_reserve(
    steps: tuple[str, ...], minted: bool
) -> None:
    plan = LoadPlan(5, 20.0, steps=steps)
    most, usual = iteration_cost(plan, minted=minted)
    limit = default_limit(plan, minted=minted)
    assert usual.fits(most)
    assert (usual.times(plan.most_iterations - plan.users) + most.times(plan.users)).fits(limit)


@pytest.mark.parametrize(
    "limit",
    [
        Spending(requests=11, redis_commands=10**6, turn_bytes=10**9),
        Spending(requests=10**6, redis_commands=20, turn_bytes=10**9),
        Spending(requests=10**6, redis_commands=10**6, turn_bytes=600_000),
    ],
    ids=["requests", "redis commands", "turn bytes"],
)
async def test_a_load_ends_before_it_exceeds_any_part_of_its_budget(limit: Spending) -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=3, duration=30.0, think=0.0)
        load = generator(lab.environment(), plan, limit)
        found = await load.run()
    assert found.stopped_by == "budget"
    assert found.elapsed < 30
    assert found.used.fits(limit)
    assert found.completed >= 1
    used, most = astuple(found.used), astuple(limit)
    # It comes near what ends it: one iteration's worth is what may be left.
    left = [part - taken for taken, part in zip(used, most, strict=True)]
    worst = astuple(iteration_cost(plan, minted=True)[0])
    assert any(rest <= 3 * each for rest, each in zip(left, worst, strict=True))
    assert lab.backend.requests.total() <= found.used.requests


async def test_the_budget_counts_at_least_what_the_backend_was_asked() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=2, duration=1.5, think=0.1, steps=with_needed(["health", JOURNEY]))
        found = await generator(lab.environment(), plan).run()
        target = target_at(lab.environment(), plan)
    assert target.minted
    assert 0 < lab.backend.requests.total() <= found.used.requests
