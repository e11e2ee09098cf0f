"""At most so many requests a second, with a small burst: a token bucket."""

import asyncio
from collections.abc import Awaitable, Callable


class RequestPacer:
    """``rate`` a second in the long run, ``burst`` at once; who is too early waits."""

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate, self._burst = rate, float(burst)
        self._clock, self._sleep = clock, sleep
        self._left, self._at = float(burst), clock()

    async def acquire(self) -> None:
        """Wait for a turn, and take it. Turns are taken in the order of asking."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        if self._left < 0:
            await self._sleep(-self._left / self._rate)
