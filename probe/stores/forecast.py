"""When a quota is exhausted at the current rate. Pure.

The rate is that of the last day where it is known, else the mean since the cycle began.
"""

from collections import deque
from datetime import UTC, datetime, timedelta

from msgspec import Struct

DAY = 86400.0
# What less time gives is no rate: a quarter of an hour of calls would end every quota.
MIN_SECONDS = DAY / 2
_POINTS = 200


class Cycle(Struct, frozen=True):
    """A billing cycle; seconds since 1970."""

    start: float
    end: float


def cycle_at(now: float, renews_on: int) -> Cycle:
    """The cycle that a moment is in; it begins at midnight UTC of a day of the month (1-28)."""
    moment = datetime.fromtimestamp(now, UTC)
    start = datetime(moment.year, moment.month, renews_on, tzinfo=UTC)
    if moment < start:
        start = (start.replace(day=1) - timedelta(days=1)).replace(day=renews_on)
    end = (start.replace(day=1) + timedelta(days=32)).replace(day=renews_on)
    return Cycle(start.timestamp(), end.timestamp())


class Trend:
    """Usage over the last day; grows while the process runs, and may be empty."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=_POINTS)

    def add(self, now: float, used: float) -> None:
        """Take a reading in. One that is lower than the last begins a new cycle."""
        if self._points and (used < self._points[-1][1] or now <= self._points[-1][0]):
            self._points.clear()
        self._points.append((now, used))
        while now - self._points[0][0] > DAY * 1.1:
            self._points.popleft()

    def slope(self, least: float = MIN_SECONDS) -> float | None:
        """Per second over the last day; None until ``least`` seconds of it are known."""
        if not self._points:
            return None
        (since, then), (now, used) = self._points[0], self._points[-1]
        return (used - then) / (now - since) if now - since >= least else None

    def rate(self, now: float, used: float, cycle: Cycle) -> float | None:
        """Per second; None where too little time has passed."""
        slope = self.slope()
        if slope is not None:
            return slope
        elapsed = now - cycle.start
        return used / elapsed if elapsed >= MIN_SECONDS else None


def forecast_at_cycle_end(now: float, used: float, rate: float, cycle: Cycle) -> float:
    """What will have been used when the cycle ends."""
    return used + rate * (cycle.end - now)


def exhausted_at(now: float, used: float, quota: float, rate: float) -> float | None:
    """When the quota is used up, in seconds since 1970; None if that never comes."""
    if used >= quota:
        return now
    return now + (quota - used) / rate if rate > 0 else None
