"""Nobody waits for storage without a bound, and what was begun is carried out."""

import asyncio
import threading

import pytest

from probe.storage.thread import Stalled, StorageThread


async def test_what_hangs_is_waited_for_so_long_and_done_all_the_same() -> None:
    thread, gate, done = StorageThread("test", 0.05), threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(30)
        done.set()

    with pytest.raises(Stalled):
        await thread.run(hang)
    # It counts from when the thread has begun with it, a moment later than its caller.
    async with asyncio.timeout(20):
        while not thread.is_stalled:  # noqa: ASYNC110 - a thread that hangs has no event to wait for
            await asyncio.sleep(0.01)
    with pytest.raises(Stalled):
        await thread.run(lambda: None)
    gate.set()
    assert await asyncio.to_thread(done.wait, 30)
    thread.close()


async def test_what_is_raised_reaches_who_waits() -> None:
    thread = StorageThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 7) == 7
    thread.close()


async def test_who_is_cancelled_leaves_the_work_to_be_done() -> None:
    thread, done = StorageThread("test"), threading.Event()
    task = asyncio.create_task(thread.run(done.set))
    await asyncio.sleep(0)
    task.cancel()
    assert await asyncio.to_thread(done.wait, 30)
    thread.close()
