"""Calls through a server that is restarted all the time leave nothing behind."""

import asyncio
from contextlib import suppress

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Result, Status
from tests.kinds.call.call_lab import coturn_check
from tests.leaks import Footprint, left_behind
from tests.servers.coturn import Coturn, CoturnFactory
from tests.turn.turn_lab import WAYS, run

AT_ONCE = 5
GRACE = 5.0
"""Seconds after which nothing of a call may be there any more; deleting has one."""

NOBODY_TOOK = "exception was never retrieved"
"""asyncio's word for a task that failed and that nobody asked."""


async def test_calls_leave_nothing_when_the_server_restarts_between_them(
    leaks: None, coturn: CoturnFactory, caplog: pytest.LogCaptureFixture
) -> None:
    await calls_through_restarts(coturn(), count=10, pause=0.05)
    assert NOBODY_TOOK not in caplog.text


@pytest.mark.proof
async def test_a_hundred_calls_leave_nothing_while_the_server_restarts_every_second(
    leaks: None, coturn: CoturnFactory, caplog: pytest.LogCaptureFixture
) -> None:
    results = await calls_through_restarts(coturn(), count=100, pause=1.0)
    # Or the server was never there, and the test has seen nothing.
    assert any(result.status is Status.OK for result in results)
    assert any(result.status is Status.FAILED for result in results)
    assert NOBODY_TOOK not in caplog.text


async def calls_through_restarts(server: Coturn, *, count: int, pause: float) -> list[Result]:
    """So many calls, by all ways; judged is what they leave. ``pause``: between restarts."""
    context, before = Context(), Footprint.now()
    # However long a call takes on a busy machine: one is made before the first restart.
    results = [await run(coturn_check(server, deadline=60), context)]
    restarts = asyncio.create_task(restart_again_and_again(server, pause))
    try:
        results += await calls(server, context, count)
    finally:
        restarts.cancel()
        with suppress(asyncio.CancelledError):
            await restarts
    causes = {result.failure.cause for result in results if result.failure}
    assert Cause.INTERNAL_ERROR not in causes
    assert await context.closing.drain(timeout=GRACE) == 0
    assert await left_behind(before, grace=GRACE) == []
    return results


async def calls(server: Coturn, context: Context, count: int) -> list[Result]:
    """Some at a time, each with a short deadline."""
    results: list[Result] = []
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        way = WAYS[number % len(WAYS)]
        async with places:
            results.append(await run(coturn_check(server, way, deadline=6), context))

    await asyncio.gather(*(one(number) for number in range(count)))
    return results


async def restart_again_and_again(server: Coturn, pause: float) -> None:
    """Until cancelled; a restart that has begun is seen through."""
    while True:
        await asyncio.sleep(pause)
        restart = asyncio.create_task(asyncio.to_thread(server.restart))
        try:
            await asyncio.shield(restart)
        except asyncio.CancelledError:
            await restart
            raise
