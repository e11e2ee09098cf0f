"""How long this process stalled, and by how much its clocks were stepped, during a run.

A process that is stopped (SIGSTOP, a frozen virtual machine) or starved of CPU misses what
its targets answer: the failures that follow are its own. A tick that comes late is the time
in which nothing could be received. A suspended machine may stop the monotonic clock too: then
the boot-time clock, where the system has one, or the wall clock goes ahead of it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from probe.core.boot import boot_clock

TICK_SECONDS = 0.02
# One stall that is this long, or several that are this long together and this share of the
# run, explain a missed answer.
MAX_STALL = 2.0
STALLS_TOGETHER = 1.0
SHARE_OF_RUN = 0.3
# A tick that is less late disturbs no measurement; so many of them are remembered.
NOTICED_SECONDS, MAX_NOTICED = 0.002, 1000
# A latency is disturbed by lateness of more than this share of what was measured.
DISTURBED_SHARE = 0.2
# NTP slews slower than this; what is faster is a step.
CLOCK_STEP = 1.0


class Disturbance(Struct, frozen=True, gc=False):
    """Seconds: the longest standstill, all of them together, and the step of the wall clock
    (positive: ahead) against the monotonic one."""

    longest: float = 0.0
    total: float = 0.0
    clock_step: float = 0.0
    suspended: float = 0.0

    def stalled(self, duration: float) -> bool:
        """Whether a run of ``duration`` seconds may have missed what its target answered."""
        together = max(STALLS_TOGETHER, SHARE_OF_RUN * duration)
        return (
            self.longest >= MAX_STALL or self.suspended >= STALLS_TOGETHER or self.total >= together
        )

    @property
    def stepped(self) -> bool:
        """Whether the wall clock was set, forward or back."""
        return abs(self.clock_step) >= CLOCK_STEP


class Clocks(NamedTuple):
    """The three clocks at one moment; ``boot`` goes on while the machine is suspended."""

    monotonic: float
    wall: float
    boot: float


def read_clocks() -> Clocks:
    """The system's clocks; without a boot-time clock the monotonic one stands for it."""
    return Clocks(time.monotonic(), time.time(), boot_clock())


class StallWatch:
    """Ticks while any run is under way, and remembers by how much each tick was late."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        clocks: Callable[[], Clocks] | None = None,
    ) -> None:
        self._clock = clock
        self.clocks = clocks or read_clocks
        self._runs: dict[object, list[float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._expected = 0.0
        # Ends of late ticks, and how late each was.
        self._late: deque[tuple[float, float]] = deque(maxlen=MAX_NOTICED)

    @property
    def is_ticking(self) -> bool:
        """Whether a tick is due: while any run is under way, and once after the last."""
        return self._timer is not None

    def begin(self) -> "RunWatch":
        """Watch one run, until ``end``."""
        if self._timer is None:
            self._schedule()
        else:
            self.tick()  # what was late before is not this run's
        watch = RunWatch(self)
        self._runs[watch] = watch.lags
        return watch

    def forget(self, watch: "RunWatch") -> None:
        """A run has ended. Without any, the next tick is the last: often the next run begins
        before it, and has no timer to set."""
        self.tick()
        self._runs.pop(watch, None)

    def disturbs(self, seconds: float) -> bool:
        """Whether a measurement that has taken ``seconds`` until now holds lateness of our own
        event loop to a good part."""
        if self._timer is None:
            return False
        self.tick()
        began, left = self._clock() - seconds, DISTURBED_SHARE * seconds
        for end, late in reversed(self._late):
            if end <= began or left < 0:
                break
            left -= min(late, end - began)
        return left < 0

    def tick(self) -> None:
        """Note how late it is by now."""
        now = self._clock()
        late = now - self._expected
        if late > NOTICED_SECONDS:
            self._late.append((now, late))
            self._expected = now
        if late > TICK_SECONDS:
            for lags in self._runs.values():
                lags.append(late)

    def _schedule(self) -> None:
        self._expected = self._clock() + TICK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._ticked)

    def _ticked(self) -> None:
        self._timer = None
        if self._runs:
            self.tick()
            self._schedule()


class RunWatch:
    """The standstills of one run."""

    def __init__(self, owner: StallWatch) -> None:
        self.lags: list[float] = []
        self._owner = owner
        self._began = owner.clocks()

    def end(self) -> Disturbance:
        """Stop watching; what happened since the start."""
        self._owner.forget(self)
        ended, began = self._owner.clocks(), self._began
        elapsed = ended.monotonic - began.monotonic
        suspended = max(0.0, ended.boot - began.boot - elapsed)
        step = ended.wall - began.wall - elapsed - suspended
        longest = max(self.lags, default=0.0)
        return Disturbance(longest, sum(self.lags), step, suspended)
