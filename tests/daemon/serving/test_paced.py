"""Expensive queries are asked for a small share of the time, cheap ones each time."""

import asyncio

import pytest

from probe.daemon.serving.paced import PacedQuery


class Slow:
    """A query that takes so many seconds of a clock that it moves itself."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.asked = 1000.0, seconds, 0
        self.error: Exception | None = None

    async def ask(self) -> int:
        """How often it was asked."""
        self.asked += 1
        await asyncio.sleep(0)
        self.now += self.seconds
        if self.error is not None:
            raise self.error
        return self.asked


async def settled() -> None:
    """Let what was started end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_cheap_query_runs_each_time() -> None:
    slow = Slow(0.001)
    query = PacedQuery(slow.ask, lambda: slow.now)
    for wanted in (1, 2, 3):
        slow.now += 1.0
        assert await query.get() == wanted


async def test_what_is_expensive_once_makes_no_later_answer_old() -> None:
    slow = Slow(0.001)
    loads = Slow(8.0)

    async def prepare() -> None:
        if not loads.asked:
            await loads.ask()
            slow.now += 8.0

    query = PacedQuery(slow.ask, lambda: slow.now, prepare)
    assert await query.get() == 1
    slow.now += 1.0
    assert await query.get() == 2


async def test_an_expensive_one_takes_a_twentieth_of_the_time_and_keeps_no_page_waiting() -> None:
    slow = Slow(3.0)
    query = PacedQuery(slow.ask, lambda: slow.now)
    assert await query.get() == 1
    for _ in range(50):
        slow.now += 1.0
        assert await query.get() == 1
        await settled()
    assert slow.asked == 1
    slow.now += 11.0
    assert await query.get() == 1, "the page does not wait"
    await settled()
    assert await query.get() == 2


async def test_many_pages_at_once_are_one_query() -> None:
    slow = Slow(3.0)
    query = PacedQuery(slow.ask, lambda: slow.now)
    assert await asyncio.gather(*(query.get() for _ in range(20))) == [1] * 20


async def test_a_query_that_failed_is_asked_again() -> None:
    slow = Slow(0.0)
    slow.error = RuntimeError("no")
    query = PacedQuery(slow.ask, lambda: slow.now)
    with pytest.raises(RuntimeError, match="no"):
        await query.get()
    slow.error = None
    slow.now += 1.0
    assert await query.get() == 2
