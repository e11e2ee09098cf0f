"""The generator on the lab: steps, errors by cause, endings, and what it leaves behind."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Verdict
from probe.lab import Lab
from probe.load.measurement.statistics import ITERATION, LoadStatistics
from probe.load.plan import JOURNEY, STEPS, LoadPlan, with_needed
from probe.load.verdict import evaluate, verdict_of
from tests.load.loading import SIGNALING_STEPS, generator, target_at, until

QUICK = LoadPlan(users=2, duration=0.6, think=0.05)


def causes(found: LoadStatistics) -> set[Cause]:
    return {key.cause for key in found.errors}


async def settled(lab: Lab) -> None:
    """Until the backend has no session and no relay an allocation; the test's timeout bounds it."""
    await until(
        lambda: not (lab.backend.sessions or lab.primary.allocations or lab.backend.queue_length)
    )


async def test_every_user_takes_the_whole_way_and_leaves_nothing_behind() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        found = await generator(lab.environment(), QUICK).run()
        await settled(lab)
    steps = {name: found.steps[name] for name in STEPS if name != "token"}
    assert all(
        step.passed == found.iterations > 1 for name, step in steps.items() if name != "round_trip"
    )
    assert steps["round_trip"].passed == 3 * found.iterations
    assert found.steps[ITERATION].passed == found.completed == found.iterations
    assert found.steps["response"].latency.count == found.steps["health"].passed
    assert {"call_gathering", "call_ice", "call_dtls", "call_open", "call_echo"} <= {*found.steps}
    assert not found.errors
    assert found.stopped_by == "time"
    assert found.used.turn_bytes > 20_000 * found.iterations
    assert all(step.wake_ups for step in steps.values())


async def test_without_the_secret_a_token_of_its_own_is_issued_to_each_user() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        environment = {**lab.environment()}
        del environment["JWT_SECRET"]
        plan = replace(QUICK, steps=SIGNALING_STEPS)
        found = await generator(environment, plan).run()
    token = found.steps["token"]
    assert token.attempts == lab.backend.requests["/auth/token"] == found.iterations
    assert token.passed == lab.backend.tokens_issued >= 2
    # The sixth token within a minute is refused, which is no failure of the target's.
    assert token.failed == 0


async def test_two_users_are_matched_through_the_application_in_each_journey() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=3, duration=1.0, steps=with_needed(["session", JOURNEY]))
        found = await generator(lab.environment(), plan).run()
        await settled(lab)
    assert found.steps[JOURNEY].passed == found.completed == found.iterations >= 3
    assert found.steps["journey_match"].latency.count == found.completed
    assert found.used.redis_commands >= 89 * found.completed


async def test_a_match_with_another_user_ends_the_whole_load() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        lab.set_knob("backend.match", "anyone")
        plan = LoadPlan(users=4, duration=60.0, steps=with_needed([JOURNEY]))
        found = await generator(lab.environment(), plan).run()
        await settled(lab)
    assert found.stopped_by == "stranger_matched"
    assert Cause.STRANGER_MATCHED in causes(found)


@pytest.mark.parametrize(
    ("knob", "step", "cause"),
    [
        ("backend.silent=true", "health", Cause.DEADLINE),
        ("backend.redis=down", "health", Cause.SERVICE_DOWN),
        ("turn.quota=0", "call", Cause.ALLOCATION_QUOTA),
    ],
)
async def test_errors_are_counted_by_step_and_cause(knob: str, step: str, cause: Cause) -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        lab.set_knob(*knob.split("="))
        found = await generator(lab.environment(), replace(QUICK, timeout=0.5)).run()
    (key,) = found.errors
    assert (key.step, key.cause, key.measured) == (step, cause, True)
    assert found.steps[step].failed == found.errors[key] == found.iterations
    assert found.completed == 0
    results = evaluate(found, target_at(lab_environment(), QUICK).objectives)
    assert verdict_of(results) is Verdict.OBJECTIVE_MISSED


def lab_environment() -> dict[str, str]:
    return {"BACKEND_URL": "http://127.0.0.1:1"}


async def test_429_is_our_own_doing_and_no_error_of_the_target() -> None:
    async with Lab() as lab:
        lab.backend.knobs.rate_limited = True
        found = await generator(lab.environment(), QUICK).run()
    assert {(key.cause, key.measured) for key in found.errors} == {(Cause.RATE_LIMITED, False)}
    results = evaluate(found, target_at(lab_environment(), QUICK).objectives)
    assert verdict_of(results) is Verdict.UNKNOWN


async def test_a_target_that_dies_at_half_of_the_load_is_not_asked_in_a_loop() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=2, duration=3.0, think=0.0, steps=SIGNALING_STEPS, timeout=1.0)
        load = generator(lab.environment(), plan)
        running = asyncio.create_task(load.run())
        await until(lambda: load.statistics.completed >= 3)
        await lab.backend.stop()
        found = await running
        # The lab's context ends it once more.
        await lab.backend.start()
    failed = sum(found.errors.values())
    assert found.completed >= 3
    assert failed >= 2
    # After a failure a user waits for half a second at least.
    assert failed <= plan.users * (plan.duration / 0.5 + 2)
    assert causes(found) <= {
        Cause.CONNECT_REFUSED,
        Cause.CONNECTION_CLOSED,
        Cause.DEADLINE,
        Cause.HTTP_STATUS,
        Cause.AUTH_REJECTED,
    }


async def test_stopping_keeps_what_was_measured_and_closes_everything() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        load = generator(lab.environment(), LoadPlan(users=4, duration=600.0, think=0.0))
        running = asyncio.create_task(load.run())
        await until(lambda: load.statistics.completed >= 2)
        load.stop("interrupted")
        found = await running
        await settled(lab)
    assert found.stopped_by == "interrupted"
    assert found.completed >= 2
    assert found.elapsed < 600


async def test_in_an_open_model_a_stall_of_the_target_counts_for_all_who_waited() -> None:
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=1, duration=2.0, rate=20.0, steps=("health",), timeout=5.0)
        load = generator(lab.environment(), plan)
        lab.backend.knobs.latency = 0.25
        running = asyncio.create_task(load.run())
        await until(lambda: load.statistics.completed >= 4)
        lab.backend.knobs.latency = 0.0
        found = await running
    step = found.steps["health"]
    service, response = step.latency.quantile(0.75), step.response.quantile(0.75)
    assert service is not None
    assert response is not None
    assert step.passed + found.not_started == 40
    # Four answers of 250 ms make one user late for most of the 20 arrivals a second.
    assert response >= service + 0.1


async def test_arrivals_that_find_no_free_user_are_counted_as_failed() -> None:
    async with Lab() as lab:
        lab.backend.knobs.silent = True
        plan = LoadPlan(users=1, duration=0.3, rate=2000.0, steps=("health",), timeout=0.2)
        load = generator(lab.environment(), plan)
        running = asyncio.create_task(load.run())
        await until(lambda: load.statistics.errors.total() >= 1)
        found = await running
    assert found.not_started > 100
    results = evaluate(found, target_at(lab_environment(), QUICK).objectives)
    assert verdict_of(results) is Verdict.OBJECTIVE_MISSED


async def test_a_step_of_the_wall_clock_changes_no_latency_and_is_reported() -> None:
    offset = [0.0]
    context = Context(now=lambda: time.time() + offset[0])
    async with Lab() as lab:
        lab.backend.knobs.limits = False
        plan = LoadPlan(users=2, duration=1.0, think=0.0, steps=SIGNALING_STEPS)
        load = generator(lab.environment(), plan, context=context)
        running = asyncio.create_task(load.run())
        await until(lambda: load.statistics.completed >= 2)
        offset[0] = -3600.0
        before = load.statistics.completed
        found = await running
    assert found.completed > before
    greatest = found.steps["round_trip"].latency.maximum
    assert greatest is not None
    assert greatest < 60
