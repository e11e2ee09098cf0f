"""Histograms of latencies, with their lines already written."""

import math
from bisect import bisect_left
from collections.abc import Iterator

from probe.metrics.families import Family, Pairs
from probe.metrics.text_format import line_head, number_text

# Upper bounds in seconds; they resolve the thresholds of 0.2, 0.5, 1 and 2 s.
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.5, 1.0, 2.0, 5.0, 10.0, math.inf)


class HistogramLines:
    """The values of one signal and label set since the start, in cumulative buckets."""

    def __init__(
        self,
        family: Family,
        labels: Pairs,
        buckets: tuple[float, ...] = BUCKETS,
        *,
        totals: bool = True,
    ) -> None:
        """``buckets`` are upper bounds in seconds, the last one infinite. Without ``totals`` count
        and sum are left out, which OpenMetrics allows."""
        self.family, self.labels, self._buckets = family, labels, buckets
        self._totals = totals
        self._counts = [0] * len(buckets)
        self._sum = 0.0
        self._heads = [
            line_head(f"{family.name}_bucket", (*labels, ("le", number_text(bound))))
            for bound in buckets
        ]
        ends = ("_count", "_sum") if totals else ()
        self._heads += [line_head(family.name + suffix, labels) for suffix in ends]

    def observe(self, value: float) -> None:
        """Count a value in seconds."""
        self._counts[bisect_left(self._buckets, value)] += 1
        self._sum += value

    def values(self) -> list[float]:
        """The cumulative counts; with totals the count and the sum."""
        total, found = 0, []
        for count in self._counts:
            total += count
            found.append(float(total))
        return [*found, float(total), self._sum] if self._totals else found

    def text(self) -> str:
        """Its lines."""
        return "".join(
            f"{head}{number_text(value)}\n"
            for head, value in zip(self._heads, self.values(), strict=True)
        )

    def samples(self) -> Iterator[tuple[Family, str, Pairs, float]]:
        """The same as samples."""
        values = self.values()
        for bound, value in zip(self._buckets, values, strict=False):
            labels = (*self.labels, ("le", number_text(bound)))
            yield self.family, "_bucket", labels, value
        if not self._totals:
            return
        yield self.family, "_count", self.labels, values[-2]
        yield self.family, "_sum", self.labels, values[-1]
