"""Work that can't be interrupted, outside the event loop and never in the way of its end.

The loop's executor is joined when the process ends, and a handful of hanging calls in it hold
up every other one. Daemon threads do neither: work gets one that is idle, or a new one.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

# An idle thread ends after so many seconds, and at once where so many others are idle.
IDLE_SECONDS, MAX_IDLE = 5.0, 8

_Work = Callable[[], None]


async def in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """The result of ``work``, which runs in a daemon thread that it has to itself, with the
    context variables of the caller.

    Whoever is cancelled while waiting leaves the thread to itself.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # there is one without an error
        else:
            future.set_exception(error)

    def run() -> None:
        result: T | None = None
        failed: Exception | None = None
        try:
            result = context.run(work)
        except Exception as error:  # handed over to the waiting task
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            return  # the loop has ended meanwhile: no task waits any more

    _threads.start(run, name)
    return await future


class _Threads:
    """Daemon threads, of which those that are idle are used again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Work]] = []

    def start(self, work: _Work, name: str) -> None:
        """Run it in a thread of its own until it ends. Raises RuntimeError if the system has
        no thread left."""
        with self._lock:
            queue = self._idle.pop() if self._idle else None
        if queue is not None:
            queue.put(work)
            return
        threading.Thread(target=self._serve, args=(work,), name=name, daemon=True).start()

    def _serve(self, work: _Work) -> None:
        queue: SimpleQueue[_Work] = SimpleQueue()
        following: _Work | None = work
        del work  # what it refers to must not live as long as this thread
        while following is not None:
            following()
            following = None
            with self._lock:
                if len(self._idle) >= MAX_IDLE:
                    return
                self._idle.append(queue)
            following = self._next(queue)

    def _next(self, queue: "SimpleQueue[_Work]") -> _Work | None:
        try:
            return queue.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if queue in self._idle:
                    self._idle.remove(queue)
                    return None
        # It was taken in the last moment: work is on its way.
        return queue.get()


_threads = _Threads()
