"""Threads for work that can't be interrupted: idle ones are used again, busy ones never."""

import asyncio
import threading

import pytest

from probe.untrusted import daemon_thread
from probe.untrusted.daemon_thread import MAX_IDLE, in_daemon_thread


@pytest.fixture(autouse=True)
def own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that no other test has left idle."""
    monkeypatch.setattr(daemon_thread, "_threads", type(daemon_thread._threads)())


async def test_one_piece_of_work_after_another_needs_one_thread() -> None:
    seen = set()
    async with asyncio.timeout(60):
        for _ in range(50):
            seen.add(await in_daemon_thread(threading.get_ident, name="test"))
            # The result arrives a moment before the thread is listed as idle.
            while not daemon_thread._threads._idle:  # noqa: ASYNC110
                await asyncio.sleep(0)
    assert len(seen) == 1


async def test_work_next_to_hanging_work_has_its_own_thread() -> None:
    release = threading.Event()
    hanging = [
        asyncio.ensure_future(in_daemon_thread(release.wait, name="hangs"))
        for _ in range(2 * MAX_IDLE)
    ]
    async with asyncio.timeout(60):
        assert await in_daemon_thread(lambda: 7, name="test") == 7
    assert not any(each.done() for each in hanging)
    release.set()
    assert await asyncio.gather(*hanging) == [True] * len(hanging)


async def test_an_exception_ends_neither_the_thread_nor_what_comes_after_it() -> None:
    def broken() -> None:
        raise LookupError("nothing there")

    for _ in range(3):
        with pytest.raises(LookupError, match="nothing there"):
            await in_daemon_thread(broken, name="test")
        assert await in_daemon_thread(lambda: 1, name="test") == 1


async def test_an_idle_thread_ends_and_work_that_comes_later_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(daemon_thread, "IDLE_SECONDS", 0.0)
    for _ in range(200):
        assert await in_daemon_thread(lambda: 1, name="test") == 1
