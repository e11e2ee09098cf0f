"""When runs are to end: one timer of the event loop for all of them.

A run mostly ends long before its deadline. A timer for each would be set and cancelled again, and
the loop would compare it with those of hundreds of others.
"""

import asyncio
import heapq
from itertools import count


class Deadlines:
    """Wakes whoever waits for a moment that mostly doesn't come. What was done before its moment
    is forgotten at that moment, at the latest."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._queue: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._queue)

    def wake(self, waiting: "asyncio.Future[None]", seconds: float) -> None:
        """Give the future its result after so many seconds, if it has none by then."""
        loop = waiting.get_loop()
        if loop is not self._loop:  # the other one has ended, and its timer with it
            self._loop, self._timer, self._queue = loop, None, []
        when = loop.time() + seconds
        heapq.heappush(self._queue, (when, next(self._numbers), waiting))
        if self._timer is None or when < self._timer.when():
            self._set_timer(loop, when)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._go_off, loop)

    def _go_off(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, now = None, loop.time()
        while self._queue and (self._queue[0][0] <= now or self._queue[0][2].done()):
            waiting = heapq.heappop(self._queue)[2]
            if not waiting.done():
                waiting.set_result(None)
        if self._queue:
            self._set_timer(loop, self._queue[0][0])
