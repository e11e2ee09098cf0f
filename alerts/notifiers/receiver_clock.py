"""How far the clock of a receiver is ahead of this machine's, by its Date (RFC 9110, 6.6.1).

A message with times of its own is right at its receiver only by the receiver's clock: by ours, an
alert may have expired on arrival, or its end be in the future.
"""

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct

from alerts.model import NotifyError
from alerts.notifiers.base import HttpAnswer, request

# A difference between clocks that is not worth correcting.
MAX_CLOCK_OFFSET = 5.0
# A receiver that needs longer to say its time is not waited for.
TIMEOUT_SECONDS = 3.0


class _Reading(Struct, frozen=True):
    """``offset`` of a receiver's clock, and of our wall clock from the monotonic one then."""

    offset: float
    base: float


class ReceiverClocks:
    """Offsets by address. ``now`` is the wall clock, in seconds since 1970. When it is set, or the
    machine was suspended, all are asked again."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._readings: dict[str, _Reading] = {}

    async def offset(self, url: str) -> float:
        """By how many seconds a receiver's clock is ahead of ours; asks it where that is not
        known. 0 where it does not say, and where the difference is small."""
        known = self._readings.get(url)
        if known is None or abs(self._base() - known.base) > MAX_CLOCK_OFFSET:
            self._readings.pop(url, None)
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    self.note(url, await request("GET", f"{url}/-/ready"))
            except (NotifyError, TimeoutError):
                pass
        return self._known(url)

    def note(self, url: str, answer: HttpAnswer) -> bool:
        """Take the time from any answer of a receiver; whether its offset is another one now."""
        before = self._known(url)
        if answer.date is None:
            self._readings.setdefault(url, _Reading(before, self._base()))
            return False
        # In whole seconds, and from before the answer came: never ahead of its clock.
        offset = answer.date - self._now()
        if abs(offset - before) <= MAX_CLOCK_OFFSET:
            offset = before
        self._readings[url] = _Reading(offset, self._base())
        return offset != before

    def _known(self, url: str) -> float:
        known = self._readings.get(url)
        return known.offset if known else 0.0

    def _base(self) -> float:
        return self._now() - time.monotonic()
