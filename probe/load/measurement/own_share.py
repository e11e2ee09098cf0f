"""How much of what is measured is the generator's own: CPU, and how late its loop is.

Each time that a task waits for the target it is woken by the loop, which may be busy with
another user: that wait is in the latency and is not the target's. So a step's own time is the
CPU time of its task and, for each of its wake-ups, the mean lateness of the loop.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Coroutine, Generator, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

from probe.core.outcome.stall import CLOCK_STEP, read_clocks
from probe.load.measurement.histogram import LatencyHistogram

TICK_SECONDS = 0.01
BUSY_SHARE = 0.85
"""From this share of one core on, waiting for the own loop dominates."""

_TICK = struct.Struct("=d")
T = TypeVar("T")


class OwnShare:
    """``lag`` is by how much the loop's ticks were late, ``cpu`` the CPU seconds of the process in
    ``elapsed`` seconds; ``clock_step`` by how much the wall clock was set, and ``suspended`` how
    long the machine slept, in seconds. ``busiest`` is the highest share of a core of any worker."""

    def __init__(self) -> None:
        self.lag = LatencyHistogram()
        self.cpu = 0.0
        self.elapsed = 0.0
        self.busiest = 0.0
        self.clock_step = 0.0
        self.suspended = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether a generator was short of CPU."""
        return self.busiest >= BUSY_SHARE

    @property
    def stepped(self) -> bool:
        """Whether the wall clock was set during the load."""
        return abs(self.clock_step) >= CLOCK_STEP

    def of(self, own_cpu: float, wake_ups: int) -> float:
        """The own seconds in what took so much CPU and so many wake-ups."""
        return own_cpu + wake_ups * (self.lag.mean or 0.0)

    def dump(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "lag": self.lag.dump(),
            "cpu": self.cpu,
            "elapsed": self.elapsed,
            "clock_step": self.clock_step,
            "suspended": self.suspended,
        }

    def add(self, found: Mapping[str, Any]) -> None:
        """Merge another worker's."""
        self.lag.add(LatencyHistogram.load(found["lag"]))
        self.cpu += found["cpu"]
        self.elapsed = max(self.elapsed, found["elapsed"])
        if found["elapsed"] > 0:
            self.busiest = max(self.busiest, found["cpu"] / found["elapsed"])
        for name in ("clock_step", "suspended"):
            setattr(self, name, max(getattr(self, name), found[name], key=abs))


class OwnShareWatch:
    """Measures an OwnShare from ``start`` on; ``update`` brings it up to date at any time."""

    def __init__(self, own: OwnShare) -> None:
        self._own = own
        self._began, self._began_cpu = read_clocks(), time.process_time()
        self._ticker: _Ticker | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._began, self._began_cpu = read_clocks(), time.process_time()
        self._ticker = _Ticker(self._own.lag)

    def update(self) -> None:
        """Bring the figures up to date."""
        own, now, began = self._own, read_clocks(), self._began
        own.elapsed = now.monotonic - began.monotonic
        own.cpu = time.process_time() - self._began_cpu
        own.busiest = own.cpu / own.elapsed if own.elapsed > 0 else 0.0
        own.suspended = max(0.0, now.boot - began.boot - own.elapsed)
        own.clock_step = now.wall - began.wall - own.elapsed - own.suspended

    def stop(self) -> None:
        """Tick no more."""
        self.update()
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None


class _Ticker:
    """Sends the loop a datagram from a thread every so often, as a target's answer would come,
    and records how much later it is read. The loop's own timers are no measure of that: they
    are rounded up to whole milliseconds."""

    def __init__(self, lag: LatencyHistogram) -> None:
        self._lag = lag
        self._reader, self._writer = socket.socketpair(type=socket.SOCK_DGRAM)
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._stopping = threading.Event()
        asyncio.get_running_loop().add_reader(self._reader, self._read)
        self._thread = threading.Thread(target=self._tick, name="load lag", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close both ends."""
        self._stopping.set()
        self._thread.join(timeout=1.0)
        asyncio.get_running_loop().remove_reader(self._reader)
        self._reader.close()
        self._writer.close()

    def _tick(self) -> None:
        due = time.monotonic() + TICK_SECONDS
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            # A loop that reads none for long has the first ones, which are the latest.
            with suppress(BlockingIOError, OSError):
                self._writer.send(_TICK.pack(time.monotonic()))
            due = max(due + TICK_SECONDS, time.monotonic())

    def _read(self) -> None:
        now = time.monotonic()
        with suppress(BlockingIOError):
            while True:
                (sent,) = _TICK.unpack(self._reader.recv(_TICK.size))
                self._lag.record(max(0.0, now - sent))


class Metered(Generic[T]):
    """Awaits a coroutine and measures the CPU time between its waits, and how many there are."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.cpu = 0.0
        self.wake_ups = 0
        self._work = work

    def __await__(self) -> Generator[Any, Any, T]:
        work = self._work.__await__()
        thrown: BaseException | None = None
        while True:
            began = time.perf_counter()
            try:
                waiting_for = next(work) if thrown is None else work.throw(thrown)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            finally:
                self.cpu += time.perf_counter() - began
            thrown = None
            try:
                yield waiting_for
            except BaseException as error:
                thrown = error
            self.wake_ups += 1
