"""A process that stood still, or whose clock was set, blames no target."""

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from probe.core import runner
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check, CheckConfig, DerivedChecks, Kind
from probe.core.model import CheckFailed, Result, Status
from probe.core.outcome import stall
from probe.core.outcome.stall import Clocks, Disturbance, StallWatch
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from tests.fake_kind import ToyEnvironment


@pytest.fixture(autouse=True)
def _with_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here what a busy machine does is tested."""
    monkeypatch.setattr(runner, "StallWatch", StallWatch)


def check_that_raises(cause: Cause, stand_still: float = 0.0) -> Check:
    async def run(_: CheckConfig, __: Recorder, ___: Context) -> None:
        if stand_still:
            time.sleep(stand_still)  # noqa: ASYNC251  (what a stopped process looks like)
        raise CheckFailed(cause, "it does not answer", phase="processing")

    kind = Kind(
        name="toy",
        summary="",
        environment=ToyEnvironment,
        table=CheckConfig,
        derive=lambda _: DerivedChecks(),
        run=run,
        signals=(),
    )
    return Check(kind, CheckConfig.model_validate({"name": "toy", "deadline": 5.0}))


async def result_of(cause: Cause, clocks: Callable[[], Clocks] | None, stood: float) -> Result:
    context = Context()
    context.get_or_create("stall-watch", lambda: StallWatch(clocks=clocks))
    return await run_check(check_that_raises(cause, stood), context)


def stepping(wall: float = 0.0, boot: float = 0.0) -> Callable[[], Clocks]:
    """Clocks of which one jumps between the first and the second reading."""
    readings = itertools.chain(
        [Clocks(0.0, 0.0, 0.0)], itertools.repeat(Clocks(0.1, 0.1 + wall, 0.1 + boot))
    )
    return lambda: next(readings)


@pytest.mark.parametrize(
    "cause",
    [
        Cause.CONNECTION_CLOSED,
        Cause.DNS_FAILED,
        Cause.SESSION_LOST,
        Cause.ICE_FAILED,
        Cause.DEADLINE,
    ],
)
async def test_what_a_standstill_explains_is_unknown(
    monkeypatch: pytest.MonkeyPatch, cause: Cause
) -> None:
    monkeypatch.setattr(stall, "MAX_STALL", 0.1)
    result = await result_of(cause, None, stood=0.3)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.OWN_STALL)
    assert "was stalled" in result.failure.message
    assert result.failure.phase == "processing"


@pytest.mark.parametrize("cause", [Cause.HTTP_STATUS, Cause.BODY_INVALID, Cause.TLS_INVALID])
async def test_what_the_target_itself_said_stays_its_failure(
    monkeypatch: pytest.MonkeyPatch, cause: Cause
) -> None:
    monkeypatch.setattr(stall, "MAX_STALL", 0.1)
    result = await result_of(cause, None, stood=0.3)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.FAILED, cause)


async def test_a_deadline_that_passed_while_the_process_was_stopped_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stall, "MAX_STALL", 0.1)

    async def run(_: CheckConfig, __: Recorder, ___: Context) -> None:
        asyncio.get_running_loop().call_soon(time.sleep, 0.4)
        await asyncio.Event().wait()

    check = check_that_raises(Cause.DEADLINE)
    stopped = replace(check, kind=replace(check.kind, run=run))
    result = await run_check(stopped, Context(), deadline=0.2)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.OWN_STALL)


@pytest.mark.parametrize("seconds", [-3600.0, -5.0, 5.0, 86_400.0])
@pytest.mark.parametrize(
    "cause", [Cause.TLS_INVALID, Cause.CREDENTIALS_EXPIRED, Cause.AUTH_REJECTED]
)
async def test_what_a_clock_that_was_set_explains_is_unknown(cause: Cause, seconds: float) -> None:
    result = await result_of(cause, stepping(wall=seconds), stood=0.0)
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.OWN_STALL)
    assert "clock was set" in result.failure.message


async def test_a_machine_that_was_suspended_blames_no_target() -> None:
    result = await result_of(Cause.CONNECTION_CLOSED, stepping(wall=60.0, boot=60.0), stood=0.0)
    assert result.failure is not None
    assert result.failure.cause is Cause.OWN_STALL


@pytest.mark.parametrize(
    ("disturbance", "duration", "stalled"),
    [
        (Disturbance(), 5.0, False),
        (Disturbance(longest=0.5, total=0.9), 1.0, False),
        (Disturbance(longest=0.5, total=1.2), 2.0, True),
        (Disturbance(longest=0.5, total=1.2), 10.0, False),
        (Disturbance(longest=2.5, total=2.5), 30.0, True),
        (Disturbance(suspended=8.0), 30.0, True),
    ],
)
def test_a_few_late_ticks_are_no_standstill(
    disturbance: Disturbance, duration: float, stalled: bool
) -> None:
    assert disturbance.stalled(duration) is stalled


async def test_nothing_ticks_between_runs() -> None:
    context = Context()
    before = asyncio.all_tasks()
    await run_check(check_that_raises(Cause.HTTP_STATUS), context)
    watch = context.get_or_create("stall-watch", StallWatch)
    await asyncio.sleep(2 * stall.TICK_SECONDS)
    assert not watch.is_ticking
    assert asyncio.all_tasks() == before
