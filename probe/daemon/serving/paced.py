"""Queries of history whose cost grows with the plan: asked as often as they can be afforded.

What is cheap is asked each time. What is expensive is asked at most a small share of the time, and
meanwhile the pages show the last answer: a page with a thousand checks leaves as soon as one
with ten.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

# The share of the time that a query may take.
SHARE = 0.05
# So cheap a query is waited for each time, in seconds.
UNCACHED_BELOW_SECONDS = 0.05

T = TypeVar("T")


class PacedQuery(Generic[T]):
    """``make`` asks; ``clock`` is the monotonic clock. ``prepare`` comes before it, and does not
    count: it is expensive once."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        clock: Callable[[], float],
        prepare: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._make, self._clock, self._prepare = make, clock, prepare
        self._task: asyncio.Task[T] | None = None
        self._answer: tuple[T] | None = None
        self._answered_at = self._cost = 0.0

    async def get(self) -> T:
        """The answer; an expensive one may be old, but for the first."""
        if self._task is None and not self._is_fresh():
            self._task = asyncio.ensure_future(self._run_query())
            self._task.add_done_callback(_forget_error)
        if self._answer is not None and (self._task is None or self._cost > UNCACHED_BELOW_SECONDS):
            return self._answer[0]
        assert self._task is not None
        return await asyncio.shield(self._task)

    def _is_fresh(self) -> bool:
        age = self._clock() - self._answered_at
        return self._answer is not None and age * SHARE < self._cost

    async def _run_query(self) -> T:
        started = self._clock()
        try:
            if self._prepare is not None:
                await self._prepare()
                started = self._clock()
            found = await self._make()
            self._answer = (found,)
            return found
        finally:
            self._task = None
            self._answered_at = self._clock()
            self._cost = self._answered_at - started


def _forget_error(task: asyncio.Task[T]) -> None:
    """Whoever waits for the answer gets the error; it may be that none does."""
    if not task.cancelled():
        task.exception()
