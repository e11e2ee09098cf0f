"""Latencies in HDR histograms: of a fixed size, to be merged, with three significant digits.

http://hdrhistogram.org; values are kept in microseconds, up to an hour.
"""

from hdrh.histogram import HdrHistogram

_LOWEST, _HIGHEST, _DIGITS = 1, 3_600_000_000, 3
_MICRO = 1e6


class LatencyHistogram:
    """Seconds in, seconds out."""

    def __init__(self) -> None:
        self._values = HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self._values.get_total_count())

    @property
    def maximum(self) -> float | None:
        """The greatest value, None where there is none."""
        return self._values.get_max_value() / _MICRO if self.count else None

    @property
    def mean(self) -> float | None:
        """The mean, None where there is no value."""
        return self._values.get_mean_value() / _MICRO if self.count else None

    def record(self, seconds: float, count: int = 1) -> None:
        """Add a value; what is longer than an hour counts as an hour."""
        self._values.record_value(_micros(seconds), count)

    def quantile(self, share: float) -> float | None:
        """The value below which this share of all lies (0 to 1); None where there is none."""
        if not self.count:
            return None
        return float(self._values.get_value_at_percentile(share * 100)) / _MICRO

    def corrected(self, interval: float) -> "LatencyHistogram":
        """The same with the values that coordinated omission has hidden: a value that is longer
        than the ``interval`` in seconds at which one was to be expected stands for those that
        would have been measured meanwhile (HdrHistogram's recordValueWithExpectedInterval)."""
        found = LatencyHistogram()
        for item in self._values.get_recorded_iterator():
            count = item.count_at_value_iterated_to
            found._values.record_corrected_value(item.value_iterated_to, _micros(interval), count)
        return found

    def add(self, other: "LatencyHistogram") -> None:
        """Merge another one into this."""
        self._values.add(other._values)

    def dump(self) -> str:
        """The compressed form of HdrHistogram V2, in Base64."""
        return str(self._values.encode().decode())

    @classmethod
    def load(cls, text: str) -> "LatencyHistogram":
        """What ``dump`` wrote. Raises ValueError for anything else."""
        found = cls()
        try:
            found._values.decode_and_add(text.encode())
        except Exception as error:
            # The library raises its own exceptions, zlib's, binascii's and ctypes'.
            raise ValueError("no HDR histogram") from error
        return found


def _micros(seconds: float) -> int:
    return min(max(round(seconds * _MICRO), _LOWEST), _HIGHEST)
