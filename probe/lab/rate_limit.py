"""How often one address may ask, counted over sliding windows."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

Limit = tuple[int, float]
"""So many requests within so many seconds."""


class RateLimiter:
    """Lets requests of one key pass until any of its limits is reached."""

    def __init__(
        self, limits: Sequence[Limit], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = tuple(limits)
        self._clock = clock
        self._longest = max((seconds for _, seconds in limits), default=0.0)
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def allows(self, key: str) -> bool:
        """Count one request; False, and not counted, where it is one too many."""
        now, passed = self._clock(), self._passed[key]
        while passed and passed[0] <= now - self._longest:
            passed.popleft()
        for most, seconds in self._limits:
            if sum(moment > now - seconds for moment in passed) >= most:
                return False
        passed.append(now)
        return True
