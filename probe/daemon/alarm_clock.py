"""One timer of the event loop's that goes off whenever the next check is due.

It follows the monotonic clock, so steps of the wall clock move nothing. Where many checks are due
one after the other it goes off at most fifty times a second, for all of them together.
"""

import asyncio
from collections.abc import Callable

# Between two alarms, where many checks are due one after the other.
SPACING_SECONDS = 0.02


class AlarmClock:
    """Calls ``ring`` at the moment that was last set. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float], ring: Callable[[], None]) -> None:
        self._clock, self._ring = clock, ring
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._rang = float("-inf")

    def start(self) -> None:
        """Start; inside the running loop."""
        self._loop = asyncio.get_running_loop()

    def set(self, at: float | None) -> None:
        """Go off then and not before, a moment later if it has just gone off; None: not."""
        due = max(at, self._rang + SPACING_SECONDS) if at is not None else None
        if self._timer is not None:
            if due == self._due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None and self._loop is not None:
            self._due = due
            self._timer = self._loop.call_later(max(0.0, due - self._clock()), self._go_off)

    def stop(self) -> None:
        """Never go off again."""
        self.set(None)
        self._loop = None

    def _go_off(self) -> None:
        self._timer, self._rang = None, self._clock()
        self._ring()
