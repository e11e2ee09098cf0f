"""When each check runs: at a fixed rate, staggered, never twice at a time.

APScheduler keeps the jobs. It asks ``datetime.now(timezone)`` for the time, which is the wall
clock: set back an hour, it would stall every job for an hour. ``datetime.now(tz)`` is documented to
be ``tz.fromutc(…)`` (datetime module, ``tzinfo.fromutc``), so the scheduler's time zone here is one
in which the time *is* the monotonic clock. So steps of the wall clock don't affect the schedule,
and a suspended machine resumes where it was.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from apscheduler.events import (
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_SUBMITTED,
    JobSubmissionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

logger = logging.getLogger(__name__)

# The first runs are spread over this time, or less where there are few of them.
OPENING_SECONDS = 10.0
OPENING_GAP_SECONDS = 0.5
# Every check has a result by then that doesn't take longer by its own deadline.
FIRST_ROUND_SECONDS = 30.0
# Reserved for clean-up at the end of the first round and of an interval.
RESERVE_SECONDS = 1.0
SHARE_OF_INTERVAL = 0.95


@dataclass(frozen=True, slots=True)
class CheckTiming:
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
        self._zone = _ClockZone(clock)
        self._scheduler = AsyncIOScheduler(
            timezone=self._zone,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._submitted, EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(self._overlapped, EVENT_JOB_MAX_INSTANCES)
        # It warns of every overlap; they are counted, and shown as one figure.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._beats: dict[str, _FixedRateTrigger] = {}
        self._hastened: set[str] = set()
        self._repeat: set[str] = set()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()
        self.skipped: dict[str, int] = {}
        self.missed: dict[str, int] = {}

    def start(self) -> None:
        """Start; inside the running loop."""
        self._scheduler.start()

    def add(self, timing: CheckTiming) -> None:
        """Take up a check, counted from now."""
        beat = _FixedRateTrigger(self._zone, self._clock(), timing)
        self._beats[timing.name] = beat
        self.skipped.setdefault(timing.name, 0)
        self.missed.setdefault(timing.name, 0)
        self._scheduler.add_job(
            self._turn, trigger=beat, args=[timing.name], id=timing.name, replace_existing=True
        )

    def remove(self, name: str) -> None:
        """Drop a check; a run that is under way goes on."""
        self._scheduler.remove_job(name)
        for known in (self._beats, self.skipped, self.missed):
            known.pop(name, None)
        self._hastened.discard(name)
        self._repeat.discard(name)

    def run_soon(self, name: str, seconds: float) -> None:
        """Let the next run begin in so many seconds, unless it would be sooner anyway.

        The rate stays: what follows keeps to the check's own times. If the check is running
        then, it runs again as soon as it is done.
        """
        job = self._scheduler.get_job(name)
        soon = self._zone.moment(self._clock() + seconds)
        if job is not None and job.next_run_time is not None and soon < job.next_run_time:
            job.modify(next_run_time=soon)
            self._hastened.add(name)

    def next_run_at(self, name: str) -> float | None:
        """When the next run begins, on the monotonic clock; None for an unknown check."""
        job = self._scheduler.get_job(name)
        if job is None or job.next_run_time is None:
            return None
        return self._zone.seconds(job.next_run_time)

    def wake(self) -> None:
        """Check the clock now: for clocks that don't follow the event loop's."""
        if self._scheduler.running:
            self._scheduler.wakeup()

    async def stop(self) -> None:
        """Start nothing more, cancel running checks, and wait for their clean-up."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            # It shuts down in the loop's next turn, and cancels there.
            await asyncio.sleep(0)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _turn(self, name: str) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        beat = self._beats.get(name)
        if beat is None:
            return
        self._on_lateness(max(0.0, self._clock() - beat.turn))
        try:
            await self._run(name)
        except asyncio.CancelledError:
            # Ours, at the end: the scheduler would log it as an error of the job.
            if not self._stopping:
                raise
        finally:
            if name in self._repeat:
                self._repeat.discard(name)
                # Its job ends with this turn.
                asyncio.get_running_loop().call_soon(self.run_soon, name, 0.0)

    def _submitted(self, event: JobSubmissionEvent) -> None:
        self._hastened.discard(event.job_id)
        beat = self._beats.get(event.job_id)
        if beat is not None:
            self.missed[event.job_id] += beat.begins(event.scheduled_run_times[-1])

    def _overlapped(self, event: JobSubmissionEvent) -> None:
        beat = self._beats.get(event.job_id)
        if beat is not None:
            self.missed[event.job_id] += beat.begins(event.scheduled_run_times[-1])
            self.skipped[event.job_id] += 1
        if event.job_id in self._hastened:
            self._hastened.discard(event.job_id)
            self._repeat.add(event.job_id)


class _ClockZone(tzinfo):
    """A time zone in which the time is a clock's seconds since ``_EPOCH``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        return timedelta(0)

    def dst(self, moment: datetime | None, /) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None, /) -> str:
        return "monotonic"

    def fromutc(self, moment: datetime, /) -> datetime:
        return self.moment(self._clock())

    def moment(self, seconds: float) -> datetime:
        """The clock's reading as a moment in this zone."""
        return datetime(2000, 1, 1, tzinfo=self) + timedelta(seconds=seconds)

    def seconds(self, moment: datetime) -> float:
        """A moment in this zone as the clock's reading."""
        return (moment - datetime(2000, 1, 1, tzinfo=self)).total_seconds()


class _FixedRateTrigger(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    """Once ``first`` seconds after the start, then at start + phase + k x interval.

    After a stall it goes on with the next moment of that grid: no burst, no drift.
    """

    def __init__(self, zone: _ClockZone, start: float, timing: CheckTiming) -> None:
        self._zone, self._timing = zone, timing
        self._first, self._phase = start + timing.first, start + timing.phase
        self._place: int | None = None
        self.turn = self._first

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next turn after both moments."""
        if previous is None:
            return self._zone.moment(self._first)
        after = max(self._zone.seconds(previous), self._zone.seconds(now))
        return self._zone.moment(self._at(self._place_at(after) + 1))

    def begins(self, moment: datetime) -> int:
        """A turn begins; how many turns of the grid have been missed before it."""
        self.turn = self._zone.seconds(moment)
        # What comes before the grid begins is no turn of it.
        place, last = max(-1, self._place_at(self.turn)), self._place
        self._place = place
        return 0 if last is None else max(0, place - last - 1)

    def _place_at(self, seconds: float) -> int:
        # A moment is kept to the microsecond: one on the grid must not fall short of it.
        return math.floor((seconds - self._phase + 1e-5) / self._timing.interval)

    def _at(self, place: int) -> float:
        return self._phase + max(place, 0) * self._timing.interval
