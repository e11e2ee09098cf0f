"""A thread for jobs that may hang: callers wait for it with a timeout only.

Unlike an executor's, it is a daemon thread: one that hangs in the kernel does not delay the end of
the process.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from probe.storage import bus_error

T = TypeVar("T")

STORAGE_SECONDS = 2.0


class Stalled(Exception):
    """The thread did not finish in time; what was given to it is still done when it can be."""


class StorageThread:
    """Runs jobs one after the other. ``seconds`` is how long a caller waits for one."""

    def __init__(self, name: str, seconds: float = STORAGE_SECONDS) -> None:
        self._seconds = seconds
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun: float | None = None
        self._closed = False
        # Started now: later there may be no thread left to be had.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def busy_for(self) -> float:
        """For how many seconds the present job has been running; 0 while there is none."""
        begun = self._begun
        return 0.0 if begun is None else max(0.0, time.monotonic() - begun)

    @property
    def is_stalled(self) -> bool:
        """Whether the present job takes longer than a caller would wait."""
        return self.busy_for > self._seconds

    async def run(self, work: Callable[[], T], *, seconds: float | None = None) -> T:
        """What ``work`` returns. Raises what it raises, and Stalled after the time.

        A job that was started is completed, even if its caller has timed out.
        """
        if self._closed:
            raise RuntimeError("the storage thread has ended")
        limit = self._seconds if seconds is None else seconds
        if self.busy_for > limit:
            raise Stalled
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_job(work, loop, done))
        finished, _ = await asyncio.wait({done}, timeout=limit)
        if not finished:
            done.add_done_callback(_retrieve)
            raise Stalled
        return done.result()

    def close(self) -> None:
        """End after what was given to it so far; doesn't wait."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)

    def _work(self) -> None:
        bus_error.admit()
        while (job := self._jobs.get()) is not None:
            self._begun = time.monotonic()
            job()
            self._begun = None


def _job(
    work: Callable[[], T], loop: asyncio.AbstractEventLoop, done: "asyncio.Future[T]"
) -> Callable[[], None]:
    def job() -> None:
        try:
            result = work()
        except BaseException as error:  # handed over to whoever waits
            _hand_over(loop, _set_error, done, error)
        else:
            _hand_over(loop, _set_result, done, result)

    return job


def _hand_over(loop: asyncio.AbstractEventLoop, *call: object) -> None:
    try:
        loop.call_soon_threadsafe(*call)  # type: ignore[arg-type]
    except RuntimeError:
        return  # the loop has ended meanwhile, and with it the caller


def _set_result(done: "asyncio.Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


def _set_error(done: "asyncio.Future[T]", error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)


def _retrieve(done: "asyncio.Future[T]") -> None:
    if not done.cancelled():
        done.exception()
