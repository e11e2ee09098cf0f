"""The samples of one signal that a threshold looks back on, with their percentile at hand."""

import math
from bisect import bisect_left, insort
from collections import deque

from probe.core.model import Sample


class SampleWindow:
    """Samples in the order of their runs. ``values`` are those of plain samples, sorted; a sample
    with labels, with several measurements or without a finite value is not plain."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Sample]] = deque()
        self._others = 0
        self.values: list[float] = []

    @property
    def samples(self) -> list[Sample]:
        """The oldest first."""
        return [sample for _, sample in self._samples]

    @property
    def is_plain(self) -> bool:
        """Whether every sample is."""
        return not self._others

    def add(self, at: float, sample: Sample) -> None:
        """Keep a sample; ``at`` is on the monotonic clock."""
        self._samples.append((at, sample))
        if _is_plain(sample):
            insort(self.values, sample.value)
        else:
            self._others += 1

    def drop_before(self, at: float) -> None:
        """Drop samples that are older."""
        while self._samples and self._samples[0][0] < at:
            _, sample = self._samples.popleft()
            if _is_plain(sample):
                del self.values[bisect_left(self.values, sample.value)]
            else:
                self._others -= 1


def _is_plain(sample: Sample) -> bool:
    return not (sample.labels or sample.values) and math.isfinite(sample.value)
