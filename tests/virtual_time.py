"""An event loop whose clock jumps to the next timer: hours pass in seconds.

For code without threads and sockets: nothing outside of the loop is waited for.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.clocks import Clock

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, the clock jumps there."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self._clock.pass_(timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self._virtual = clock
        super().__init__(_JumpingSelector(clock))

    def time(self) -> float:
        return self._virtual()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Without the five minutes that Python 3.12 allows: they are over at once here."""
        await super().shutdown_default_executor()


def run_virtually(main: Coroutine[Any, Any, T], clock: Clock) -> T:
    """Run a coroutine in a loop of its own, in which ``clock`` passes by itself."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(main)
