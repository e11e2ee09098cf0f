"""Closings have an owner, and what is shared is made once."""

import asyncio

from probe.core.context import CleanupTasks, Context


async def test_a_quick_closing_is_waited_for() -> None:
    closing = CleanupTasks()
    assert await closing.close(asyncio.sleep(0), timeout=5)
    assert closing.pending == 0


async def test_a_slow_closing_goes_on_behind_the_back_and_is_counted() -> None:
    closing, release, closed = CleanupTasks(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await release.wait()
        closed.set()

    assert not await closing.close(slow(), timeout=0.01)
    assert closing.pending == 1
    release.set()
    await closed.wait()
    assert await closing.drain(timeout=1) == 0
    assert closing.pending == 0


async def test_a_closing_that_fails_fails_no_run() -> None:
    closing = CleanupTasks()

    async def fail() -> None:
        raise ConnectionError

    assert await closing.close(fail(), timeout=5)
    assert closing.pending == 0


async def test_draining_cancels_what_is_late() -> None:
    closing = CleanupTasks()
    await closing.close(asyncio.Event().wait(), timeout=0)
    assert await closing.drain(timeout=0.01) == 1
    assert closing.pending == 0


def test_shared_things_are_made_once_for_each_key() -> None:
    context = Context()
    first = context.get_or_create("a", list[int])
    assert context.get_or_create("a", list[int]) is first
    assert context.get_or_create("b", list[int]) is not first
