"""Counters and histograms between scrapes: increases, resets, quantiles.

A counter only rises while its process runs, and begins at 0 in the next one. So what it has
risen by is known between two scrapes of the same process, and never after one.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

Labels = tuple[tuple[str, str], ...]
Series = tuple[str, Labels]
Values = Mapping[Series, float]

# A process that was not scraped for so many seconds is forgotten.
FORGET_SECONDS = 900.0


def increase(before: float, after: float) -> float:
    """What a counter has risen by; one that fell began anew at 0 (as Prometheus has it)."""
    return after if after < before else after - before


@dataclass(slots=True)
class _Process:
    """One process: its last scrape."""

    at: float
    values: Values


class _Step(Struct, frozen=True):
    """From one scrape of a process to its next: when, how long it took, what rose."""

    at: float
    seconds: float
    risen: Values


class Increase(Struct, frozen=True):
    """The increase over a stretch of time, of all processes together.

    ``seconds`` is how much of the stretch is known of the process that is known best.
    """

    seconds: float
    values: Values

    def total(
        self, name: str, matching: Callable[[Mapping[str, str]], bool] | None = None
    ) -> float:
        """The sum over all series of a name, or of those whose labels match."""
        return sum(
            value
            for (series, labels), value in self.values.items()
            if series == name and (matching is None or matching(dict(labels)))
        )

    def by(self, name: str, label: str) -> dict[str, float]:
        """Sums by the value of a label, the greatest first."""
        found: dict[str, float] = {}
        for (series, labels), value in self.values.items():
            if series == name:
                key = dict(labels).get(label, "")
                found[key] = found.get(key, 0.0) + value
        return dict(sorted(found.items(), key=lambda each: -each[1]))


@dataclass
class Counters:
    """The counters of one application, of all its processes. Times are monotonic seconds.

    Increases are kept for ``keep`` seconds.
    """

    keep: float
    _processes: dict[str, _Process] = field(default_factory=dict)
    _steps: deque[tuple[str, _Step]] = field(default_factory=deque)

    def add_reading(self, process: str, at: float, values: Values) -> None:
        """A scrape of one process."""
        before = self._processes.get(process)
        self._processes[process] = _Process(at, values)
        if before is not None and at > before.at:
            # A series that is new here was 0: a label set appears when it is first counted.
            rises = {
                series: increase(before.values.get(series, 0.0), value)
                for series, value in values.items()
            }
            self._steps.append((process, _Step(at, at - before.at, rises)))
        self._forget(at)

    def over(self, seconds: float, now: float) -> Increase | None:
        """What rose in the last ``seconds``; None while no process was scraped twice in them."""
        known: dict[str, float] = {}
        total: dict[Series, float] = {}
        for process, step in self._steps:
            # A step belongs to the stretch in which it ends, if most of it does.
            if step.at - step.seconds / 2 < now - seconds:
                continue
            known[process] = known.get(process, 0.0) + step.seconds
            for series, value in step.risen.items():
                total[series] = total.get(series, 0.0) + value
        return Increase(max(known.values()), total) if known else None

    def _forget(self, now: float) -> None:
        while self._steps and self._steps[0][1].at < now - self.keep:
            self._steps.popleft()
        for process in [
            name for name, each in self._processes.items() if now - each.at > FORGET_SECONDS
        ]:
            del self._processes[process]


@dataclass
class Restarts:
    """When processes began anew, seen by an uptime that fell, or by a process that is new and
    began after the first reading of all. Times are monotonic seconds.

    Where the name of a process is new with each start (``instance.id`` of the backend) only
    the second shows it; a machine that merely was not seen before has been up for longer.
    A process without samples for ``keep`` seconds is forgotten.
    """

    keep: float
    _uptimes: dict[str, tuple[float, float]] = field(default_factory=dict)
    _falls: dict[str, deque[float]] = field(default_factory=dict)
    _began: float | None = None

    def add_reading(self, process: str, at: float, uptime: float) -> int | None:
        """How often a process began anew within ``keep`` seconds; None at the first reading of
        one that did not. ``at`` is when it was read, ``uptime`` what it says; both in seconds."""
        self._forget(at)
        if self._began is None:
            self._began = at
        before = self._uptimes.get(process)
        self._uptimes[process] = (at, uptime)
        falls = self._falls.setdefault(process, deque())
        if before is None and at - uptime <= self._began:
            return None
        if before is None or uptime < before[1]:
            falls.append(at)
        while falls and falls[0] < at - self.keep:
            falls.popleft()
        return len(falls)

    def _forget(self, now: float) -> None:
        late = [process for process, (at, _) in self._uptimes.items() if at < now - self.keep]
        for process in late:
            del self._uptimes[process], self._falls[process]


def quantile(q: float, buckets: Mapping[float, float]) -> float | None:
    """The q-quantile of a histogram, linear within a bucket, as histogram_quantile() has it.

    ``buckets`` maps upper bounds to cumulative counts. None where nothing was counted or the
    bucket of infinity is missing; the greatest finite bound for what lies beyond it.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or not math.isinf(bounds[-1]):
        return None
    total = buckets[bounds[-1]]
    if not total > 0:
        return None
    rank, lower, below = q * total, 0.0, 0.0
    for bound in bounds:
        # Counts of a histogram that was scraped while it changed may fall a little.
        count = max(buckets[bound], below)
        if count >= rank:
            break
        lower, below = bound, count
    if math.isinf(bound):
        return bounds[-2]
    if bound <= 0 or count == below:
        return bound
    return lower + (bound - lower) * (rank - below) / (count - below)
