"""A timer of the event loop that goes off whenever the next check is due, on the monotonic clock.

The event loop's own clock is the monotonic one, so steps of the wall clock move nothing.
"""

import asyncio
from collections.abc import Callable

# Between two alarms, where many checks are due one after the other: those that are started
# together share the turns of the loop, which costs a quarter less, and wait for each other. Where
# one alarm is for many already, the next comes sooner, so that there are no more of them.
SPACING_SECONDS, SPACING_OF_MANY_SECONDS = 0.05, 0.02
MANY = 4
# A timer of the loop may go off early by what its clock can't tell apart.
_ROUNDING_SECONDS = 1e-4


class AlarmClock:
    """Calls ``callback`` at the moment that was last set. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float], callback: Callable[[], None]) -> None:
        self._clock, self._callback = clock, callback
        self._fired_at = float("-inf")
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float | None, started: int = 0) -> None:
        """Go off then and not before, a moment later if it has just gone off; None: not.

        ``started`` is how many checks the last alarm was for. Inside the running loop.
        """
        spacing = SPACING_SECONDS if started < MANY else SPACING_OF_MANY_SECONDS
        due = None if at is None else max(at, self._fired_at + spacing)
        if due == self._due:
            return
        self._due = due
        self._drop_timer()
        if due is not None:
            left = due - self._clock()
            delay = left + _ROUNDING_SECONDS if left > 0 else 0.0
            self._timer = asyncio.get_running_loop().call_later(delay, self._go_off)

    def stop(self) -> None:
        """Don't go off any more, unless it is set again."""
        self._due = None
        self._drop_timer()

    def _go_off(self) -> None:
        now = self._clock()
        if self._due is None or now >= self._due:
            # A clock that lags behind the loop's finds nothing that is due, and what comes then
            # does not wait for the spacing.
            self._fired_at = now
        self._due = self._timer = None
        self._callback()

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
