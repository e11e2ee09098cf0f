"""What checks share: objects that are kept between runs, and clean-up tasks that outlive a run."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

_CANCEL_SECONDS = 1.0
"""How long all clean-up tasks that are cancelled may take to end."""


class CleanupTasks:
    """Owns the clean-up tasks of checks, so that none can delay a result.

    aioice's ``close()`` waits 63.5 s for a TURN server that has died, and cancelling it breaks the
    connection. So clean-up is a task with an owner: a check waits for it within a timeout, and the
    rest happens in the background.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def pending(self) -> int:
        """How many clean-up tasks are still running."""
        return len(self._tasks)

    async def close(self, closing: Coroutine[Any, Any, Any], *, timeout: float) -> bool:
        """Start a clean-up task and wait at most ``timeout`` seconds; True when it is done."""
        task = asyncio.create_task(closing)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=timeout)
        return bool(done)

    async def drain(self, *, timeout: float) -> int:
        """Wait at most ``timeout`` seconds for all, then cancel; how many were cancelled."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        late: set[asyncio.Task[Any]] = set()
        loop = asyncio.get_running_loop()
        end = loop.time() + _CANCEL_SECONDS
        while new := self._tasks - late:  # what ends one clean-up may begin another
            await asyncio.sleep(0)  # cancelled before it has begun, it would close nothing
            late.update(task for task in new if task.cancel())
            await asyncio.wait(new, timeout=max(0.0, end - loop.time()))
        return len(late)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # An exception of a clean-up task is ignored: the check has its result already.
            task.exception()


class Context:
    """Lives as long as the process and is passed to every run of every check.

    ``now`` is the wall clock in seconds since 1970 (for certificates and credentials),
    ``clock`` the monotonic one (for every duration). ``redact`` takes the configuration's
    secrets out of a text; it applies to every result. ``repeats``: checks run again and again
    with it, as in the daemon.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        redact: Callable[[str], str] = str,
        repeats: bool = False,
    ) -> None:
        self.clock = clock
        self.now = now
        self.redact = redact
        self.repeats = repeats
        self.closing = CleanupTasks()
        self._shared: dict[Hashable, object] = {}

    def get_or_create(self, key: Hashable, make: Callable[[], T]) -> T:
        """The object kept under ``key``, made on first use: a token is asked for once."""
        if key not in self._shared:
            self._shared[key] = make()
        return cast(T, self._shared[key])
