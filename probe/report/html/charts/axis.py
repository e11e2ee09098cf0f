"""The scale of a chart: round steps, and outliers cut off."""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from probe.core.model import Limits, Signal, Unit

# A peak so many times above nearly all other values is cut off; a limit so far above the data is
# given as text.
_OUTLIER, _LIMIT_REACH = 4.0, 2.5
_USUAL = 0.95
_STEPS = 3
_DRAWABLE = 1e100
# Differences that are noise: of the values themselves, and next to nothing.
_MIN_SHARE, _LEAST = 1e-6, 1e-9
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


class Scale(Struct, frozen=True):
    """From the lowest to the highest value that is drawn, and the values that get a line."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """How high a value stands: 0 at the bottom, 1 at the top; not beyond either."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def holds(self, value: float) -> bool:
        """Whether a value is drawn where it is."""
        return self.low <= value <= self.high


def scale_of(
    medians: Iterable[float | None],
    peaks: Iterable[float | None],
    signal: Signal,
    limits: Limits,
) -> Scale | None:
    """The scale on which values and their peaks are drawn; None where there is nothing to
    draw."""
    middles = numbers(medians)
    highest = numbers(peaks) or middles
    if not highest:
        return None
    if signal.unit is Unit.BOOLEAN:
        return Scale(0.0, 1.0, (0.0, 1.0))
    low, high = _from(signal, middles or highest), _usual_top(middles, highest)
    low, high = _with_limits(low, max(high, low), listed(limits))
    return _rounded(low, high)


def listed(limits: Limits) -> list[float]:
    """The limits that are set."""
    return numbers((limits.objective, limits.warning, limits.critical))


def _from(signal: Signal, values: Sequence[float]) -> float:
    """Zero, unless there is less than zero or all is far from it (moments, high shares)."""
    least = min(values)
    far = signal.unit is Unit.TIMESTAMP or (signal.unit is Unit.RATIO and least > 0.5)
    return least if far or least < 0 else 0.0


def _usual_top(medians: Sequence[float], peaks: Sequence[float]) -> float:
    usual = max(sorted(peaks)[int(_USUAL * (len(peaks) - 1))], max(medians, default=0.0))
    highest = max(peaks)
    return highest if highest <= _OUTLIER * abs(usual) else usual * 2


def _with_limits(low: float, high: float, limits: Sequence[float]) -> tuple[float, float]:
    """Room for the limits that are near what was measured."""
    span = (high - low) or abs(high) or 1.0
    reach = (_LIMIT_REACH - 1) * span
    near = [limit for limit in limits if low - reach <= limit <= high + reach]
    return min([low, *near]), max([high, *near])


def _rounded(low: float, high: float) -> Scale:
    span = max(high - low, _MIN_SHARE * max(abs(low), abs(high)), _LEAST)
    step = _step(span if low or high else 1.0)
    # A line's half width above the highest value, so that it is not cut off.
    first, last = math.floor(low / step), math.ceil((high + step * 0.05) / step)
    last = max(last, first + 1)
    ticks = tuple(step * number for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _step(span: float) -> float:
    rough = span / _STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return next((each * power for each in _ROUND if each * power >= rough), 10 * power)


def numbers(values: Iterable[float | None]) -> list[float]:
    """Those that can be drawn."""
    return [value for value in values if value is not None and abs(value) < _DRAWABLE]
