"""How long something was up in a stretch of time.

Times are wall-clock seconds since 1970 (UTC), durations seconds, shares ratios from 0 to 1.
"""

from enum import StrEnum

from msgspec import Struct

DAY_SECONDS = 86400.0
# The windows of uptime that pages and the API show, in seconds: 24 h, 7, 30 and 90 days.
WINDOWS = (DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS, 90 * DAY_SECONDS)
BAR_DAYS = 90


class SubjectKind(StrEnum):
    """What uptime is of: a single check, a TURN provider, or a service."""

    CHECK = "check"
    PROVIDER = "provider"
    SERVICE = "service"


class Subject(Struct, frozen=True, gc=False):
    """What has an uptime; a group is made of ``checks``."""

    kind: SubjectKind
    name: str
    checks: tuple[str, ...] = ()


class Uptime(Struct, frozen=True, gc=False):
    """Seconds from ``start`` to ``end`` by state; what is left of them is a gap, in which
    nothing ran.

    A check is ``down`` while its newest result is a failure. A group (provider, service) is
    ``down`` while a check of it fails critically, so one of several redundant checks does not
    bring it down; ``degraded`` is the part of ``up`` in which some check of it failed.
    ``unknown`` could not be measured. ``start`` is at a full hour where the window is longer than
    a day.
    """

    start: float
    end: float
    up: float = 0.0
    degraded: float = 0.0
    down: float = 0.0
    unknown: float = 0.0

    @property
    def total(self) -> float:
        """Seconds from start to end."""
        return max(0.0, self.end - self.start)

    @property
    def measured(self) -> float:
        """Seconds that count: up or down."""
        return self.up + self.down

    @property
    def gap(self) -> float:
        """Seconds without any result: the probe did not run, or the check did not exist."""
        return max(0.0, self.total - self.up - self.down - self.unknown)

    @property
    def ratio(self) -> float | None:
        """The share of the measured time in which it was up; None where none was measured."""
        return self.up / self.measured if self.measured > 0 else None

    def budget_seconds(self, objective: float) -> float:
        """How long it may be down in the measured time."""
        return (1.0 - objective) * self.measured

    def budget_left(self, objective: float) -> float | None:
        """The share of the error budget that is left: 1 is all, 0 none, below 0 overspent; None
        where nothing was measured or the objective leaves no budget."""
        budget = self.budget_seconds(objective)
        return 1.0 - self.down / budget if budget > 0 else None


class UptimeReport(Struct, frozen=True):
    """Uptime of one subject against its objective (a share of time).

    ``windows`` are those of ``WINDOWS``, in that order, each up to now. ``days`` are UTC days,
    oldest first, the last one is today until now; empty where only the windows were asked for.
    """

    subject: Subject
    objective: float
    windows: tuple[Uptime, ...] = ()
    days: tuple[Uptime, ...] = ()

    def window(self, seconds: float) -> Uptime | None:
        """The window of so many seconds."""
        for length, found in zip(WINDOWS, self.windows, strict=False):
            if length == seconds:
                return found
        return None


class SeriesPoint(Struct, frozen=True, gc=False):
    """What one signal measured in one stretch of time: ``low`` and ``high`` are the 10th and
    90th percentile, None where nothing was measured."""

    start: float
    end: float
    count: int
    low: float | None
    median: float | None
    high: float | None


class SignalSeries(Struct, frozen=True):
    """One signal of one check over time; ``labels`` are the signal's own, sorted."""

    signal: str
    labels: tuple[tuple[str, str], ...]
    points: tuple[SeriesPoint, ...]
