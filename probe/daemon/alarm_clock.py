"""One APScheduler job that goes off whenever the next check is due, on the monotonic clock.

APScheduler asks ``datetime.now(timezone)`` for the time, which is the wall clock: set back an
hour, it would stall every job for an hour. ``datetime.now(tz)`` is documented to be
``tz.fromutc(…)`` (datetime module, ``tzinfo.fromutc``), so the scheduler's time zone here is one
in which the time *is* the monotonic clock.

A job for each check costs a tenth of a millisecond for each run, and so does one job that is moved
from each check to the next. So the job goes off at the first moment of a window, and what is due
later in that window is a timer of the event loop, which costs a twentieth of it.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

# Between two alarms, where many checks are due one after the other: those that are started at once
# share the turns of the loop, which costs a quarter less. Where one alarm is for many already, the
# next comes sooner, so that none waits for more of them.
SPACING_SECONDS, SPACING_OF_MANY_SECONDS = 0.05, 0.02
MANY = 4
# For so long after the job has gone off, timers of the event loop follow it.
WINDOW_SECONDS = 0.25
# A timer of the loop may go off early by what its clock can't tell apart.
_ROUNDING_SECONDS = 1e-4
_JOB = "checks"
_LATER = timedelta(days=1)


class AlarmClock:
    """Calls ``callback`` at the moment that was last set. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float], callback: Callable[[], None]) -> None:
        self._clock, self._callback = clock, callback
        self._zone = _ClockZone(clock)
        self._scheduler = AsyncIOScheduler(
            timezone=self._zone, job_defaults={"coalesce": True, "misfire_grace_time": None}
        )
        self._fired_at = self._window_end = float("-inf")
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        # It notes every job that is added and run.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def start(self) -> None:
        """Start; inside the running loop."""
        self._scheduler.add_job(self._go_off, trigger=_Unset(), id=_JOB, max_instances=2)
        self._scheduler.start()

    def set(self, at: float | None, started: int = 0) -> None:
        """Go off then and not before, a moment later if it has just gone off; None: not.

        ``started`` is how many checks the last alarm was for.
        """
        spacing = SPACING_SECONDS if started < MANY else SPACING_OF_MANY_SECONDS
        due = None if at is None else max(at, self._fired_at + spacing)
        if due is not None and due == self._due:
            return  # setting it again would wake the loop through a socket
        self._due = due
        self._drop_timer()
        if due is not None and due < self._window_end:
            left = max(0.0, due - self._clock()) + _ROUNDING_SECONDS
            self._timer = asyncio.get_running_loop().call_later(left, self._call)
            return
        moment = self._zone.later() if due is None else self._zone.moment(due)
        self._scheduler.modify_job(_JOB, next_run_time=moment)

    async def stop(self) -> None:
        """Never go off again."""
        self._drop_timer()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            # It shuts down in the loop's next turn.
            await asyncio.sleep(0)

    async def _go_off(self) -> None:
        self._window_end = self._clock() + WINDOW_SECONDS
        self._drop_timer()
        self._call()

    def _call(self) -> None:
        now = self._clock()
        if self._due is None or now >= self._due:
            # The job counts in microseconds: early by less than one, it finds nothing that is due,
            # and what comes then does not wait for the spacing.
            self._fired_at = now
        self._due = self._timer = None
        self._callback()

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Unset(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    """Not before it is set."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """A moment that is put forward before it comes."""
        return now + _LATER


class _ClockZone(tzinfo):
    """A time zone in which the time is a clock's seconds since 2000."""

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

    def later(self) -> datetime:
        """A moment that is put forward before it comes."""
        return self.moment(self._clock()) + _LATER

    def moment(self, seconds: float) -> datetime:
        """The clock's reading as a moment in this zone."""
        return datetime(2000, 1, 1, tzinfo=self) + timedelta(seconds=seconds)
