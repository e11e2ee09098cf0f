"""A rate limit."""

from collections.abc import Callable


class TokenBucket:
    """At most ``burst`` at once and ``per_second`` in the long run. ``clock`` is monotonic."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left, self._at = burst, clock()

    def has_one(self) -> bool:
        """Whether there is one to take."""
        self._fill()
        return self._left >= 1.0

    def spend(self) -> bool:
        """Take one, if there is one."""
        if not self.has_one():
            return False
        self._left -= 1.0
        return True

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
