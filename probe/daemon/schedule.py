"""When each check runs: at a fixed rate, staggered, never twice at a time.

All times are the monotonic clock's, so steps of the wall clock don't affect the schedule, and a
suspended machine resumes where it was. One job of APScheduler's serves all checks: it goes off
when the next one is due.
"""

import asyncio
import heapq
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from msgspec import Struct

from probe.core.tables.run_time import SHARE_OF_INTERVAL
from probe.daemon.alarm_clock import AlarmClock

logger = logging.getLogger(__name__)

# The first runs are spread over this time, or less where there are few of them.
OPENING_SECONDS = 10.0
OPENING_GAP_SECONDS = 0.5
# Every check has a result by then that doesn't take longer by its own deadline.
FIRST_ROUND_SECONDS = 30.0
# Reserved for clean-up at the end of the first round and of an interval.
RESERVE_SECONDS = 1.0


class CheckTiming(Struct, frozen=True, gc=False):
    """When one check runs: ``first`` seconds after it is taken up, then at ``phase`` and
    every ``interval`` after it."""

    name: str
    interval: float
    first: float
    phase: float

    def deadline(self, own: float, *, opening: bool) -> float:
        """The longest that a run may take, in seconds: it is over before the next one, and
        the first one before the first round is, if it could be (``is_part_of_first_round``)."""
        longest = SHARE_OF_INTERVAL * self.interval
        if opening and is_part_of_first_round(own):
            longest = min(longest, FIRST_ROUND_SECONDS - RESERVE_SECONDS - self.first)
        return min(own, longest)

    def limits(self, own: float, *, opening: bool) -> tuple[float, float]:
        """The deadline, and the longest that a run may take with the wait for other checks, in
        seconds: after a first run, a second may follow soon."""
        deadline = self.deadline(own, opening=opening)
        return deadline, deadline if opening else SHARE_OF_INTERVAL * self.interval


def is_part_of_first_round(deadline: float) -> bool:
    """Whether the first round waits for a check with this deadline, in seconds."""
    return deadline <= FIRST_ROUND_SECONDS


def stagger(
    intervals: Sequence[tuple[str, float]], deadlines: Mapping[str, float] | None = None
) -> list[CheckTiming]:
    """Timings for checks (name, interval in seconds) that are taken up together.

    First runs follow each other within the opening. The second run comes when the first is
    over by its deadline, at the earliest a quarter of an interval and at the latest an
    interval after it, so that no result is ever older than interval and deadline; checks of
    one interval are spread evenly over that time.
    """
    gap = min(OPENING_GAP_SECONDS, OPENING_SECONDS / max(len(intervals), 1))
    sizes = Counter(interval for _, interval in intervals)
    taken: Counter[float] = Counter()
    timings = []
    for number, (name, interval) in enumerate(intervals):
        taken[interval] += 1
        busy = min((deadlines or {}).get(name, 0.0), SHARE_OF_INTERVAL * interval)
        earliest = max(interval / 4, busy)
        first = number * gap
        phase = first + earliest + (interval - earliest) * taken[interval] / sizes[interval]
        timings.append(CheckTiming(name, interval, first, phase))
    return timings


class Schedule:
    """Calls ``run(name)`` for each check when it is due; at most once at a time for each.

    ``clock`` is the monotonic clock. A run that raises is logged and goes on with its next turn.
    ``on_lateness`` gets how many seconds late each run was started.
    """

    def __init__(
        self,
        run: Callable[[str], Coroutine[Any, Any, None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        on_lateness: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._run, self._clock, self._on_lateness = run, clock, on_lateness
        self._rates: dict[str, _FixedRate] = {}
        # Times that are no longer a check's next turn are dropped when they come.
        self._queue: list[tuple[float, str]] = []
        self._alarm = AlarmClock(clock, self.wake)
        self._started = self._stopping = False
        self._started_together = 0
        self._repeat: set[str] = set()
        self._running: dict[asyncio.Task[None], str] = {}
        self._busy: set[str] = set()
        self.skipped: dict[str, int] = {}
        self.missed: dict[str, int] = {}

    def start(self) -> None:
        """Start; inside the running loop."""
        self._started = True
        self._alarm.start()
        self.wake()

    def add(self, timing: CheckTiming) -> None:
        """Take up a check, counted from now."""
        self._rates[timing.name] = rate = _FixedRate(self._clock(), timing)
        self.skipped.setdefault(timing.name, 0)
        self.missed.setdefault(timing.name, 0)
        self._enqueue(rate)

    def remove(self, name: str) -> None:
        """Drop a check; a run that is under way goes on."""
        for known in (self._rates, self.skipped, self.missed):
            known.pop(name, None)
        self._repeat.discard(name)

    def run_soon(self, name: str, seconds: float) -> None:
        """Let the next run begin in so many seconds, unless it would be sooner anyway.

        The rate stays: what follows keeps to the check's own times. If the check is running
        then, it runs again as soon as it is done.
        """
        rate, soon = self._rates.get(name), self._clock() + seconds
        if rate is not None and soon < rate.due:
            rate.due, rate.is_advanced = soon, True
            self._enqueue(rate)

    def is_idle(self) -> bool:
        """Whether no check is running."""
        return not self._running

    def next_run_at(self, name: str) -> float | None:
        """When the next run begins, on the monotonic clock; None for an unknown check."""
        rate = self._rates.get(name)
        return rate.due if rate is not None else None

    def wake(self) -> None:
        """Check the clock now: for clocks that don't follow the event loop's."""
        if not self._started or self._stopping:
            return
        now = self._clock()
        self._started_together = 0
        while self._queue and self._queue[0][0] <= now:
            due, name = heapq.heappop(self._queue)
            rate = self._rates.get(name)
            if rate is not None and rate.due == due:
                self._started_together += 1
                self._begin(rate, now)
        self._set_timer()

    async def stop(self) -> None:
        """Start nothing more, cancel running checks, and wait for their clean-up."""
        self._stopping = True
        await self._alarm.stop()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _enqueue(self, rate: "_FixedRate") -> None:
        heapq.heappush(self._queue, (rate.due, rate.name))
        if self._started and self._queue[0] == (rate.due, rate.name):
            self._set_timer()

    def _set_timer(self) -> None:
        if not self._stopping:
            self._alarm.set(self._queue[0][0] if self._queue else None, self._started_together)

    def _begin(self, rate: "_FixedRate", now: float) -> None:
        """A turn has come: a run begins, unless the last one is still under way."""
        name, hastened = rate.name, rate.is_advanced
        self.missed[name] += rate.begin(now)
        self._enqueue(rate)
        if name in self._busy:
            self.skipped[name] += 1
            if hastened:
                self._repeat.add(name)
            return
        task = asyncio.get_running_loop().create_task(self._turn(name, rate.turn))
        self._busy.add(name)
        self._running[task] = name
        task.add_done_callback(self._ended)

    async def _turn(self, name: str, due: float) -> None:
        self._on_lateness(max(0.0, self._clock() - due))
        await self._run(name)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        name = self._running.pop(task)
        self._busy.discard(name)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the run of %s raised", name, exc_info=error)
        if name in self._repeat:
            self._repeat.discard(name)
            self.run_soon(name, 0.0)


class _FixedRate:
    """Once ``first`` seconds after the start, then at start + phase + k x interval.

    After a stall it goes on with the next moment of that grid: no burst, no drift. ``due`` is the
    next turn, ``turn`` the last one; ``is_advanced``: the next one is not of the grid.
    """

    def __init__(self, start: float, timing: CheckTiming) -> None:
        self.name, self._interval = timing.name, timing.interval
        self._phase = start + timing.phase
        self._place: int | None = None
        self.due = self.turn = start + timing.first
        self.is_advanced = False

    def begin(self, now: float) -> int:
        """The turn that is due begins; how many turns of the grid have been missed before it."""
        self.turn, self.is_advanced = self.due, False
        # What comes before the grid begins is no turn of it.
        place, last = max(-1, self._place_at(self.turn)), self._place
        self._place = place
        next_place = self._place_at(max(self.turn, now)) + 1
        self.due = self._phase + max(next_place, 0) * self._interval
        return 0 if last is None else max(0, place - last - 1)

    def _place_at(self, seconds: float) -> int:
        # Rounding must not make a moment on the grid fall short of it.
        return math.floor((seconds - self._phase + 1e-5) / self._interval)
