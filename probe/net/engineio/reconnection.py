"""A server that does not answer yet: socket.io-client asks again, and so does a check."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from probe.core.causes import Cause
from probe.core.model import CheckAborted
from probe.net.engineio.opening import Unavailable
from probe.net.protocol.errors import PeerError

RECONNECTION_DELAY, RECONNECTION_DELAY_MAX = 1.0, 5.0
"""Seconds, as socket.io-client has them."""
_UNANSWERED = (Cause.CONNECT_REFUSED, Cause.CONNECT_FAILED, Cause.CONNECTION_CLOSED)

T = TypeVar("T")


class Reconnection:
    """``attempts`` is how often no answer had come, ``because`` what the last of these met."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.attempts, self.because = 0, ""
        self._clock = clock

    async def run(
        self,
        attempt: Callable[[], Awaitable[T]],
        translate: Callable[[PeerError | OSError], CheckAborted],
        patience: float,
    ) -> T:
        """Attempt it, again for so many seconds of ``patience`` where no answer comes. Raises what
        the last attempt raised, whose cause ``translate`` knows."""
        end = self._clock() + patience
        for pause in _pauses():
            try:
                return await attempt()
            except (CheckAborted, PeerError, OSError) as error:
                aborted = error if isinstance(error, CheckAborted) else translate(error)
                if self._clock() + pause >= end or not _may_return(aborted):
                    raise
                self.attempts, self.because = self.attempts + 1, aborted.message
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def _may_return(aborted: CheckAborted) -> bool:
    return isinstance(aborted, Unavailable) or aborted.cause in _UNANSWERED


def _pauses() -> Iterator[float]:
    """From one attempt to the next, without the random part that socket.io-client adds."""
    pause = RECONNECTION_DELAY
    while True:
        yield pause
        pause = min(2 * pause, RECONNECTION_DELAY_MAX)
