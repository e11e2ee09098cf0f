"""What waits for other checks of ours says nothing of its target, and still has all of its time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Result, Status
from probe.core.recorder import Recorder
from probe.core.runner import run_check
from probe.daemon.schedule import CheckTiming
from tests.clocks import Clock
from tests.fake_kind import ToyTable, toy, toy_kind
from tests.virtual_time import run_virtually

OWN, INTERVAL = 15.0, 60.0


def waiting(queued: float, then: float) -> Callable[[ToyTable, Recorder, Context], Awaitable[None]]:
    """A run that waits for so many seconds, and takes so many after that."""

    async def run(table: ToyTable, record: Recorder, context: Context) -> None:
        with record.queueing("raise the quota"):
            await asyncio.sleep(queued)
        with record.phase("allocate"):
            await asyncio.sleep(then)

    return run


async def outcome(queued: float, then: float, **limits: Any) -> Result:
    """Of such a run, with a clock that moves by itself."""
    check = toy(kind=toy_kind(run=waiting(queued, then)), deadline=OWN)
    return await run_check(check, Context(clock=asyncio.get_running_loop().time), **limits)


@pytest.mark.parametrize(
    ("queued", "then", "status", "cause"),
    [
        (14.0, 10.0, Status.OK, None),  # all of its time, late
        (40.0, 14.0, Status.OK, None),
        (14.0, 16.0, Status.FAILED, Cause.DEADLINE),  # it had its time
        (40.0, 99.0, Status.FAILED, Cause.DEADLINE),
        (99.0, 1.0, Status.UNKNOWN, Cause.OWN_RESOURCES),  # never its turn
        (50.0, 14.0, Status.UNKNOWN, Cause.OWN_RESOURCES),  # half of its time
        (0.0, 99.0, Status.FAILED, Cause.DEADLINE),
    ],
)
def test_the_daemons_check_that_waits_for_others(
    queued: float, then: float, status: Status, cause: Cause | None
) -> None:
    timing = CheckTiming("toy", INTERVAL, 0.0, 0.0)
    deadline, most = timing.limits(OWN, opening=False)
    result = run_virtually(outcome(queued, then, deadline=deadline, most=most), Clock())
    assert result.status is status
    assert (result.failure.cause if result.failure else None) is cause
    if cause is Cause.OWN_RESOURCES:
        assert result.failure is not None
        assert result.failure.hint == "raise the quota"
        assert result.samples == ()


def test_a_one_shot_run_that_was_over_before_its_turn_is_unknown() -> None:
    result = run_virtually(outcome(99.0, 1.0, deadline=20.0), Clock())
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.OWN_RESOURCES)
    assert "waited 20 s" in result.failure.message


def test_a_first_run_leaves_room_for_the_second() -> None:
    timing = CheckTiming("toy", INTERVAL, 1.0, 0.0)
    assert timing.limits(OWN, opening=True) == (OWN, OWN)
    assert timing.limits(OWN, opening=False) == (OWN, 57.0)
