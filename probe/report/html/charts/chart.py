"""A signal over time in SVG: the median, the band from the 10th to the 90th percentile, limits.

Drawn without a script and without styles of its own: classes only. Widths are those of the
page (shapes stretch, words don't), heights are pixels.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from probe.core.model import Limits, Signal, Unit
from probe.history.uptime.model import DAY_SECONDS, SeriesPoint, SignalSeries
from probe.report.html.charts.axis import Scale, listed, numbers, scale_of
from probe.report.html.charts.strips import runs_of
from probe.report.text.sanitize import truncate
from probe.report.text.time_format import clock, duration
from probe.report.text.units import show

HEIGHT, FOOT = 96, 16
_LINE, _TOP = 12, 10
# So near to an end, in percent, half of a word would stick out.
_EDGE = 6
_MAX_CELLS = 2000
LIMITS = ("objective", "warning", "critical")


class ChartLabel(Struct, frozen=True):
    """A word at a place: ``x`` in percent, ``y`` in pixels, ``name`` is its class."""

    text: str
    x: str
    y: float
    name: str = ""


class LimitLine(Struct, frozen=True):
    """A limit: its class, its height in pixels, and its label at another."""

    name: str
    y: int
    label: ChartLabel


class Chart(Struct, frozen=True):
    """What the template draws; ``caption`` says the same in words."""

    title: str
    cells: int
    ticks: tuple[ChartLabel, ...]
    grid: str
    band: str
    median: str
    limits: tuple[LimitLine, ...]
    times: tuple[ChartLabel, ...]
    caption: tuple[str, ...]

    @property
    def height(self) -> int:
        """Of the drawing, in pixels."""
        return HEIGHT

    @property
    def whole(self) -> int:
        """Of drawing and words, in pixels."""
        return HEIGHT + FOOT


def chart_of(
    series: SignalSeries, signal: Signal, limits: Limits | None, start: float, end: float
) -> Chart | None:
    """The chart of a signal from ``start`` to ``end``; None without any value."""
    points, within = filled(series.points, start, end), limits or Limits()
    medians = [point.median for point in points]
    scale = scale_of(medians, [point.high for point in points], signal, within)
    if scale is None or not numbers(medians):
        return None
    name = truncate(" ".join([_name(signal), *(value for _, value in series.labels)]), 80)
    return Chart(
        title=name,
        cells=len(points),
        ticks=tuple(_ticks(signal, scale)),
        grid="".join(f"M0 {height_of(scale, tick)}h{len(points)}" for tick in scale.ticks),
        band=_band(points, scale),
        median=_steps([_height(point.median, scale) for point in points]),
        limits=tuple(_limit_lines(signal, within, scale)),
        times=tuple(_times(points[0].start, points[-1].end)),
        caption=(_summary(points, signal), *off_scale_limits(signal, within, scale)),
    )


def _ticks(signal: Signal, scale: Scale) -> Iterator[ChartLabel]:
    """A label for each line of the grid; none twice, where the values hardly differ."""
    before = ""
    for tick in scale.ticks:
        text = show(tick, signal.unit) if tick or signal.unit is Unit.BOOLEAN else "0"
        if text != before:
            yield ChartLabel(text, "100%", height_of(scale, tick) + 4)
        before = text


def filled(points: Sequence[SeriesPoint], start: float, end: float) -> tuple[SeriesPoint, ...]:
    """Equal stretches from ``start`` to ``end``; those in which nothing was measured are
    empty."""
    width = points[0].end - points[0].start if points else 0.0
    number = round((end - start) / width) if width > 0 else 0
    if not 0 < number <= _MAX_CELLS:
        return tuple(points)
    found = {round((point.start - start) / width): point for point in points}
    return tuple(
        found.get(place)
        or SeriesPoint(start + place * width, start + (place + 1) * width, 0, None, None, None)
        for place in range(number)
    )


def off_scale_limits(signal: Signal, limits: Limits, scale: Scale) -> list[str]:
    """The limits that are too far from the data to be drawn."""
    return [
        f"{name} limit {show(value, signal.unit)} is beyond the scale"
        for name, value in _named(limits)
        if not scale.holds(value)
    ]


def height_of(scale: Scale, value: float) -> int:
    """How far below the top a value is drawn, in pixels."""
    return round((HEIGHT - 1) * (1 - scale.share(value)))


def _name(signal: Signal) -> str:
    return signal.display_name or signal.column or signal.name


def _summary(points: Sequence[SeriesPoint], signal: Signal) -> str:
    """``typically 180 ms, mostly 150 ms to 240 ms, at most 1.2 s (about 12:15 UTC)``."""
    empty = sum(point.end - point.start for point in points if point.median is None)
    text = _constant(points, signal) or _spread(points, signal)
    return f"{text}, {duration(empty)} without data" if empty >= 1 else text


def _constant(points: Sequence[SeriesPoint], signal: Signal) -> str:
    """``always 180 ms``; ``mostly yes, no at times``; empty for what varies otherwise."""
    values = [each for point in points for each in (point.low, point.median, point.high)]
    shown = Counter(show(value, signal.unit) for value in numbers(values))
    if len(shown) == 1:
        return f"always {next(iter(shown))}"
    if signal.unit is Unit.BOOLEAN:
        usual, other = (text for text, _ in shown.most_common())
        return f"mostly {usual}, {other} at times"
    return ""


def _spread(points: Sequence[SeriesPoint], signal: Signal) -> str:
    medians = sorted(numbers(point.median for point in points))
    lows, highs = numbers(point.low for point in points), numbers(point.high for point in points)
    text = f"typically {show(medians[len(medians) // 2], signal.unit)}"
    if lows and highs:
        low, high = sorted(lows)[len(lows) // 2], sorted(highs)[len(highs) // 2]
        text += f", mostly {show(low, signal.unit)} to {show(high, signal.unit)}"
        peak = max(
            (point for point in points if numbers([point.high])), key=lambda each: each.high or 0.0
        )
        moment = clock(peak.start, points[-1].end)
        text += f", 90th percentile at most {show(peak.high or 0.0, signal.unit)} ({moment} UTC)"
    return text


def _band(points: Sequence[SeriesPoint], scale: Scale) -> str:
    """A closed shape for each run of measured stretches: along the tops, and back."""
    path = ""
    pairs = [(_height(point.high, scale), _height(point.low, scale)) for point in points]
    for measured, start, length in runs_of([None not in pair for pair in pairs]):
        if not measured:
            continue
        tops = [pair[0] for pair in pairs[start : start + length]]
        bottoms = [pair[1] for pair in pairs[start : start + length]]
        path += f"M{start} {tops[0]}" + "".join(f"V{top}h1" for top in tops)
        path += "".join(f"V{bottom}h-1" for bottom in reversed(bottoms)) + "z"
    return path


def _steps(heights: Sequence[int | None]) -> str:
    """A line of steps, broken where nothing was measured."""
    path, before = "", None
    for height, start, length in runs_of(heights):
        if height is not None:
            path += f"M{start} {height}" if before is None else f"v{height - before}"
            path += f"h{length}"
        before = height
    return path


def _limit_lines(signal: Signal, limits: Limits, scale: Scale) -> Iterator[LimitLine]:
    """Dashed lines, each with its name; names of lines that are close move apart."""
    lowest = _TOP - _LINE
    for name, value in sorted(_named(limits), key=lambda each: -each[1]):
        if not scale.holds(value):
            continue
        y = height_of(scale, value)
        lowest = max(y - 3, lowest + _LINE)
        label = ChartLabel(f"{name} {show(value, signal.unit)}", "100%", lowest, "name")
        yield LimitLine(name, y, label)


def _named(limits: Limits) -> list[tuple[str, float]]:
    values = (limits.objective, limits.warning, limits.critical)
    drawable = listed(limits)
    return [(name, value) for name, value in zip(LIMITS, values, strict=True) if value in drawable]


def _times(start: float, end: float) -> Iterator[ChartLabel]:
    """Some round moments of UTC, where they are on the way from start to end: hours of a day,
    days of a week or a month."""
    span = end - start
    if span <= 0:
        return
    step = _step_of(span)
    for moment in range(int(-(-start // step) * step), int(end) + 1, int(step)):
        share = 100 * (moment - start) / span
        edge = "first" if share < _EDGE else "last" if share > 100 - _EDGE else ""
        yield ChartLabel(_moment(moment, step), f"{share:.1f}%", HEIGHT + FOOT - 3, edge)


def _step_of(span: float) -> float:
    """About four to seven words."""
    if span <= 1.5 * DAY_SECONDS:
        return 6 * 3600.0
    return max(1.0, math.ceil(span / DAY_SECONDS / 7)) * DAY_SECONDS


def _moment(moment: float, step: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%m-%d" if step >= DAY_SECONDS else "%H:%M")


def _height(value: float | None, scale: Scale) -> int | None:
    return height_of(scale, value) if value is not None and math.isfinite(value) else None
