"""Waiting with an end, also for what does not heed being cancelled."""

import asyncio

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.tasks import phase_timeout, phase_timeout_as, race, run_cancellable


class Stubborn:
    """Work that loses the first cancellations, as ``asyncio.wait_for`` may."""

    def __init__(self, losses: int) -> None:
        self.losses, self.begun, self.ended = losses, asyncio.Event(), False

    async def work(self) -> None:
        self.begun.set()
        try:
            for _ in range(self.losses):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    continue
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_a_cancellation_that_is_lost_is_repeated_until_it_has_an_effect(leaks: None) -> None:
    stubborn = Stubborn(losses=3)
    task = asyncio.create_task(run_cancellable(stubborn.work()))
    await stubborn.begun.wait()
    task.cancel()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert stubborn.ended


async def test_a_bound_ends_what_loses_its_cancellation(leaks: None) -> None:
    stubborn = Stubborn(losses=1)
    with pytest.raises(CheckFailed) as failed:
        async with phase_timeout(0.05, "dtls", Cause.DTLS_FAILED, "no handshake"):
            await run_cancellable(stubborn.work())
    assert (failed.value.phase, failed.value.cause) == ("dtls", Cause.DTLS_FAILED)
    assert stubborn.ended


async def test_what_goes_well_or_wrong_by_itself_is_passed_on(leaks: None) -> None:
    async def well() -> None:
        await asyncio.sleep(0)

    async def wrong() -> None:
        raise ConnectionError("gone")

    await run_cancellable(well())
    with pytest.raises(ConnectionError, match="gone"):
        await run_cancellable(wrong())


async def test_a_failure_keeps_its_phase_or_is_reported_as_the_whole_one() -> None:
    inner = CheckFailed(Cause.ALLOCATION_QUOTA, "full", phase="gathering")
    for around, phase in ((phase_timeout, "gathering"), (phase_timeout_as, "call")):
        with pytest.raises(CheckFailed) as failed:
            async with around(1.0, "call", Cause.DEADLINE, "no allocation"):
                raise inner
        assert (failed.value.phase, failed.value.cause) == (phase, Cause.ALLOCATION_QUOTA)


async def test_of_two_the_first_counts_and_the_other_is_cancelled(leaks: None) -> None:
    never, soon = Stubborn(losses=0), asyncio.sleep(0)
    assert await race(soon, never.work())
    assert never.ended
    assert not await race(asyncio.Event().wait(), asyncio.sleep(0))
