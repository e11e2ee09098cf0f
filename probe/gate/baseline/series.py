"""What a window measured, series by series, as a baseline keeps it."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from probe.core.kind import Check
from probe.core.model import DURATION, SUCCESS, Status, Unit
from probe.core.thresholds import signals_of_check
from probe.gate.cadence import Cadence
from probe.history.model import ResultRow
from probe.report.gate.model import MeasuredSeries

# Of a series with more values, so many are kept, evenly spaced.
MAX_VALUES = 500
_UNITS = (Unit.SECONDS, Unit.BYTES, Unit.RATIO)


@dataclass
class _Counts:
    cases: int = 0
    bad: int = 0
    failed: bool = False
    cadence: Cadence = field(default_factory=lambda: Cadence(0.0))


class SeriesCollector:
    """Values of each check's signals, and how many of its runs passed; repetitions of a failure
    are left out, as the gate does."""

    def __init__(self, checks: Sequence[Check]) -> None:
        kept = [check for check in checks if not check.table.is_reference]
        self._units = {
            (check.name, signal.name): signal.unit
            for check in kept
            for signal in signals_of_check(check)
            if signal.unit in _UNITS and signal not in (SUCCESS, DURATION) and not signal.counter
        }
        self._counts = {check.name: _Counts(cadence=Cadence(check.interval)) for check in kept}
        self._values: dict[tuple[str, str], array[float]] = {}

    def add(self, row: ResultRow) -> None:
        """A row of the window, in the order of writing."""
        counts = self._counts.get(row.check)
        if counts is None:
            return
        counted = row.status is not Status.UNKNOWN and counts.cadence.counts(
            row.at, after_failure=counts.failed
        )
        counts.failed = row.status is Status.FAILED
        if not counted:
            return
        counts.cases += 1
        counts.bad += row.status is Status.FAILED
        for signal, _, value in row.samples:
            if (row.check, signal) in self._units:
                self._values.setdefault((row.check, signal), array("d")).append(value)

    def collect(self) -> list[MeasuredSeries]:
        """All series that have any case."""
        runs = [
            MeasuredSeries(name, "", Unit.RATIO, counts.cases, counts.bad)
            for name, counts in self._counts.items()
            if counts.cases
        ]
        values = [
            MeasuredSeries(check, signal, self._units[check, signal], len(found), 0, thinned(found))
            for (check, signal), found in self._values.items()
        ]
        return [*runs, *values]


def thinned(values: Sequence[float]) -> tuple[float, ...]:
    """At most ``MAX_VALUES`` of the values, evenly spaced, in their order."""
    if len(values) <= MAX_VALUES:
        return tuple(values)
    step = len(values) / MAX_VALUES
    return tuple(values[int(place * step)] for place in range(MAX_VALUES))


def by_key(series: Sequence[MeasuredSeries]) -> Mapping[tuple[str, str], MeasuredSeries]:
    """Each by its check and signal."""
    return {(each.check, each.signal): each for each in series}
