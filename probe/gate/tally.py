"""What a window's results come to, one row after the other: the same while it lasts and from
history alone.

Time is credited from one run of a check to its next, but no longer than a result holds; the rest is
a gap, which says nothing about the target. The wall clock may be set in between: a step forward is
a gap, a step back credits nothing."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from probe.core.model import LimitSide, Status
from probe.gate.cadence import Cadence
from probe.gate.objectives import GateObjective, Statistic
from probe.history.model import ResultRow

_RUNS = (Statistic.AVAILABILITY, Statistic.SUCCESS)


@dataclass
class TimeTally:
    """Seconds by state, of which ``low`` were bad at both of their ends and ``high`` at one."""

    good: float = 0.0
    bad: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unmeasured: float = 0.0

    def add(self, seconds: float, before: bool | None, after: bool | None) -> None:
        """So many seconds between two runs that were bad, good or not measured (None)."""
        if before is None:
            self.unmeasured += seconds
            return
        if before:
            self.bad += seconds
        else:
            self.good += seconds
        if before and after:
            self.low += seconds
        if before or after:
            self.high += seconds

    @property
    def measured(self) -> float:
        """Seconds in which a result held."""
        return self.good + self.bad


@dataclass
class _Series:
    """The last row of one check, or of one label set of its signal."""

    at: float
    bad: bool | None
    value: float = 0.0


@dataclass
class Tally:
    """One objective's measurements. ``values`` are in the order of writing, and ``weights`` of how
    many cases each is that no value before had, NaN where that is not known."""

    objective: GateObjective
    holds: Mapping[str, float]
    intervals: Mapping[str, float]
    cases: int = 0
    bad: int = 0
    increase: float = 0.0
    values: "array[float]" = field(default_factory=lambda: array("d"))
    weights: "array[float]" = field(default_factory=lambda: array("d"))
    time: TimeTally = field(default_factory=TimeTally)
    newest: dict[object, float] = field(default_factory=dict)
    _series: dict[object, _Series] = field(default_factory=dict)
    _cadences: dict[object, Cadence] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def add(self, row: ResultRow) -> None:
        """A row of the window."""
        if row.check not in self.objective.checks:
            return
        if self.objective.statistic in _RUNS:
            self._add_run(row)
        else:
            self._add_values(row)
        (self._failed.add if row.status is Status.FAILED else self._failed.discard)(row.check)

    def _add_values(self, row: ResultRow) -> None:
        cases = {(signal, labels): number for signal, labels, number in row.cases}
        for signal, labels, value in row.samples:
            if signal == self.objective.signal:
                self._add_value(row, labels, value, cases.get((signal, labels), math.nan))
        if row.status is Status.UNKNOWN:
            for key, series in self._series.items():
                if isinstance(key, tuple) and key[0] == row.check:
                    self._move(series, row, None, series.value)

    def _add_run(self, row: ResultRow) -> None:
        bad = None if row.status is Status.UNKNOWN else row.status is Status.FAILED
        if bad is not None and self._counts(row.check, row):
            self.cases += 1
            self.bad += bad
        self._step(row.check, row, bad, 0.0)

    def _add_value(self, row: ResultRow, labels: object, value: float, cases: float) -> None:
        objective = self.objective
        if objective.statistic is Statistic.RATIO:
            bad = value < 0.5 if objective.bad is LimitSide.BELOW else value >= 0.5
        else:
            bad = objective.is_bad(value)
        key = (row.check, labels)
        if self._counts(key, row):
            self.cases += 1
            self.bad += bad
            self.values.append(value)
            self.weights.append(cases * self._new_part(key, row.at))
        self.newest[key] = value
        self._step(key, row, bad, value)

    def _new_part(self, key: object, at: float) -> float:
        """Which part of a value's cases the value before it did not have."""
        series, window = self._series.get(key), self.objective.range_seconds
        if series is None or window <= 0:
            return 1.0
        return min(max(at - series.at, 0.0) / window, 1.0)

    def _counts(self, key: object, row: ResultRow) -> bool:
        """Whether this is a case of its own."""
        cadence = self._cadences.get(key)
        if cadence is None:
            cadence = self._cadences[key] = Cadence(self.intervals.get(row.check, 0.0))
        return cadence.counts(row.at, after_failure=row.check in self._failed)

    def _step(self, key: object, row: ResultRow, bad: bool | None, value: float) -> None:
        series = self._series.get(key)
        if series is None:
            self._series[key] = _Series(row.at, bad, value)
        else:
            self.increase += max(0.0, value - series.value)
            self._move(series, row, bad, value)

    def _move(self, series: _Series, row: ResultRow, bad: bool | None, value: float) -> None:
        passed = min(max(row.at - series.at, 0.0), self.holds.get(row.check, 0.0))
        self.time.add(passed, series.bad, bad)
        series.at, series.bad, series.value = row.at, bad, value

    def time_until(self, end: float) -> TimeTally:
        """The seconds up to a moment: each last result holds as long as results do."""
        found = TimeTally(
            self.time.good, self.time.bad, self.time.low, self.time.high, self.time.unmeasured
        )
        for key, series in self._series.items():
            check = key[0] if isinstance(key, tuple) else str(key)
            left = min(max(end - series.at, 0.0), self.holds.get(check, 0.0))
            found.add(left, series.bad, series.bad)
        return found

    @property
    def series(self) -> int:
        """How many checks, or label sets of them, have been measured."""
        return len(self._series)
