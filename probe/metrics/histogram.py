"""Histograms of latencies, with their lines already written."""

import math
from bisect import bisect_left
from collections.abc import Iterator

from probe.metrics.families import Family, MetricSample, Pairs
from probe.metrics.text_format import exemplar_of, exemplar_text, line_head, number_text

# Upper bounds in seconds; they resolve the thresholds of 0.2, 0.5, 1 and 2 s.
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.5, 1.0, 2.0, 5.0, 10.0, math.inf)


class HistogramLines:
    """The values of one signal and label set since the start, in cumulative buckets."""

    def __init__(
        self,
        family: Family,
        labels: Pairs,
        buckets: tuple[float, ...] = BUCKETS,
    ) -> None:
        """``buckets`` are upper bounds in seconds, the last one infinite."""
        self.family, self.labels, self._buckets = family, labels, buckets
        self._counts = [0] * len(buckets)
        # The newest value, its bucket, and the run that it is of.
        self._newest: tuple[int, tuple[str, float, float]] | None = None
        self._sum = 0.0
        self._heads = [
            line_head(f"{family.name}_bucket", (*labels, ("le", number_text(bound))))
            for bound in buckets
        ]
        self._heads += [line_head(family.name + suffix, labels) for suffix in ("_count", "_sum")]

    @property
    def size(self) -> int:
        """How many lines it has."""
        return len(self._heads)

    def observe(self, value: float, run: str = "", at: float = 0.0) -> None:
        """Count a value in seconds; its run and when that began are the histogram's exemplar."""
        place = bisect_left(self._buckets, value)
        self._counts[place] += 1
        self._sum += value
        if run:
            self._newest = place, (run, value, at)

    def values(self) -> list[float]:
        """The cumulative counts, the count and the sum."""
        total, found = 0, []
        for count in self._counts:
            total += count
            found.append(float(total))
        # Microseconds are enough.
        return [*found, float(total), round(self._sum, 6)]

    def text(self, *, openmetrics: bool = False) -> str:
        """Its lines; OpenMetrics has the newest run as exemplar."""
        lines = [
            f"{head}{number_text(value)}"
            for head, value in zip(self._heads, self.values(), strict=True)
        ]
        if openmetrics and self._newest is not None:
            place, newest = self._newest
            lines[place] += exemplar_text(exemplar_of(*newest))
        return "\n".join((*lines, ""))

    def samples(self) -> Iterator[MetricSample]:
        """The same as samples."""
        values = self.values()
        place, newest = self._newest or (-1, None)
        exemplar = exemplar_of(*newest) if newest else None
        for number, bound in enumerate(self._buckets):
            labels = (*self.labels, ("le", number_text(bound)))
            own = exemplar if number == place else None
            yield MetricSample(self.family, "_bucket", labels, values[number], own)
        yield MetricSample(self.family, "_count", self.labels, values[-2])
        yield MetricSample(self.family, "_sum", self.labels, values[-1])
