"""Detects steps of the wall clock and suspensions of the machine."""

import asyncio
import logging
from collections.abc import Callable

from probe.core.boot import boot_clock
from probe.core.model import Unit, Verdict
from probe.diagnostics.logging_setup import event
from probe.report.status import Notice
from probe.report.text.units import show

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# A clock that is slewed moves by less in a second.
STEP_SECONDS = 2.0
NOTICE_SECONDS = 86400.0


class ClockWatch:
    """``now`` is the wall clock, ``clock`` the monotonic one, ``boot`` the one that goes on
    while the machine is suspended."""

    def __init__(
        self,
        now: Callable[[], float],
        clock: Callable[[], float],
        boot: Callable[[], float] = boot_clock,
    ) -> None:
        self._now, self._clock, self._boot = now, clock, boot
        self._wall_offset, self._sleep_offset = now() - boot(), boot() - clock()
        self._last: tuple[float, str] | None = None
        self.steps = 0

    async def run(self) -> None:
        """Check every second until cancelled."""
        while True:
            self.check()
            await asyncio.sleep(POLL_SECONDS)

    def check(self) -> float:
        """By how many seconds the wall clock was stepped since the last check; 0: it was not."""
        wall, suspended = self._now() - self._boot(), self._boot() - self._clock()
        step, pause = wall - self._wall_offset, suspended - self._sleep_offset
        self._wall_offset, self._sleep_offset = wall, suspended
        if pause > STEP_SECONDS:
            self._report(f"the machine was suspended for {show(pause, Unit.SECONDS)}", pause)
        if abs(step) <= STEP_SECONDS:
            return 0.0
        self.steps += 1
        direction = "forward" if step > 0 else "back"
        self._report(f"the wall clock was set {direction} by {show(abs(step), Unit.SECONDS)}", step)
        return step

    @property
    def notices(self) -> list[Notice]:
        """Notices for the status page, for a day."""
        if self._last is None or self._clock() - self._last[0] > NOTICE_SECONDS:
            return []
        text = "Silences and maintenance windows are compared with the clock as it is now."
        return [Notice(Verdict.OK, f"Clock: {self._last[1]}", text)]

    def _report(self, text: str, seconds: float) -> None:
        self._last = (self._clock(), text)
        event(logger, logging.WARNING, text, seconds=round(seconds, 3))
