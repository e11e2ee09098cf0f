"""Work that is cut off at every step of the event loop, one after the other."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from tests.leaks import Footprint

MAX_STEPS = 2000
GRACE = 2.0
_PAUSE = 0.0001


async def pass_steps(count: int) -> None:
    """So many turns of the event loop, in which names are resolved in threads meanwhile."""
    for _ in range(count):
        time.sleep(_PAUSE)  # noqa: ASYNC251 - what comes from threads takes steps, not time
        await asyncio.sleep(0)


async def cancel_after(steps: int, work: Coroutine[Any, Any, None]) -> bool:
    """Cancel the work after so many steps; False if it was done before."""
    task = asyncio.create_task(work)
    await pass_steps(steps)
    if task.done():
        task.result()
        return False
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    return True


async def leaves_nothing_at_any_step(
    work: Callable[[], Coroutine[Any, Any, None]], held: Callable[[], int] = lambda: 0
) -> int:
    """Cut the work off at each of its steps; how many it has.

    Asserts that no descriptor and no task of ``probe`` outlives it, on neither side of a
    connection within this process, and that the server has ``held`` nothing in the end.
    """
    for steps in range(MAX_STEPS):
        before = Footprint.now()
        goes_on = await cancel_after(steps, work())
        assert await _left(before, held) == [], f"after {steps} steps"
        if not goes_on:
            return steps
    raise AssertionError(f"more than {MAX_STEPS} steps")


async def _left(before: Footprint, held: Callable[[], int]) -> list[str]:
    loop = asyncio.get_running_loop()
    until = loop.time() + GRACE
    while True:
        grown = before.grown_to(Footprint.now())
        # A server's own tasks, such as engine.io's before its next ping, are none of ours.
        left = [line for line in grown if line.startswith("descriptor") or "/probe/" in line]
        left += [f"the server holds {held()}"] if held() else []
        if not left or loop.time() > until:
            return left
        await asyncio.sleep(0.002)
