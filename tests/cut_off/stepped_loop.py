"""An event loop with sockets and a clock that jumps: its turns are counted, and one can be chosen.

A turn is one look for what is ready. Where nothing is ready, and no thread works, the clock jumps
to the next timer, so that a run of half a minute has a few hundred turns and takes milliseconds.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

_SOON, _LATER = 0.0005, 0.02
"""Seconds in which what was sent to this machine arrives; and between looks for a thread."""


class _CountingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.turns, self.threads = 0.0, 0, 0
        self.at: tuple[int, Callable[[], object]] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        if self.at is not None and self.turns >= self.at[0]:
            (_, act), self.at = self.at, None
            act()
            timeout = 0
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.threads or timeout is None:
            return super().select(_LATER)
        ready = super().select(_SOON)
        if not ready:
            self.now += timeout
        return ready


class SteppedLoop(asyncio.SelectorEventLoop):
    """``turns`` is how many there were."""

    def __init__(self) -> None:
        self._steps = _CountingSelector()
        super().__init__(self._steps)

    @property
    def turns(self) -> int:
        """How many there were, since the last ``act_at``."""
        return self._steps.turns

    def act_at(self, turn: int, act: Callable[[], object]) -> None:
        """Count from 0 again, and do something at the beginning of that turn."""
        self._steps.turns, self._steps.at = 0, (turn, act)

    def time(self) -> float:
        return self._steps.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._steps.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Without the five minutes that Python 3.12 allows: they are over at once here."""
        await super().shutdown_default_executor()

    def _thread_ended(self, _: object) -> None:
        self._steps.threads -= 1
