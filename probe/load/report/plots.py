"""A load in SVG: latencies over time and by percentile, outcomes over time; as data that the
template draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from probe.core.model import Unit
from probe.load.measurement.histogram import LatencyHistogram
from probe.load.measurement.timeline import Timeline
from probe.report.text.units import show

WIDTH, HEIGHT, LEFT, FOOT = 720, 180, 64, 20
_TICKS = 4
_NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
COLOURS = 6

Line = tuple[str, Sequence[tuple[float, float]]]
"""A name, and points: x from 0 to 1, and a value."""


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A name, its class, and the path of its line."""

    name: str
    colour: str
    path: str


@dataclass(frozen=True, slots=True)
class PlotWord:
    """A word at a place, in units of the drawing."""

    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class LoadPlot:
    """One plot; ``rules`` are the heights of horizontal lines."""

    title: str
    lines: tuple[PlotLine, ...]
    rules: tuple[int, ...]
    scale: tuple[PlotWord, ...]
    axis: tuple[PlotWord, ...]
    left: int = LEFT
    width: int = WIDTH
    whole_width: int = LEFT + WIDTH + 30
    whole_height: int = HEIGHT + FOOT


def over_time(timeline: Timeline, steps: Sequence[str], duration: float) -> LoadPlot:
    """The p95 of each step in each slot."""
    lines: list[Line] = []
    for step in steps:
        points = [
            ((number + 0.5) * timeline.width / duration, value)
            for number, slot in enumerate(timeline.slots)
            if (value := slot.quantile(step, 0.95)) is not None
        ]
        lines.append((step, points))
    return _plot(lines, Unit.SECONDS, _time_axis(duration), "p95 of each step over time")


def outcomes(timeline: Timeline, duration: float) -> LoadPlot:
    """Steps that passed, failed or could not be measured, and users, in each slot."""
    kinds = (
        ("passed", [slot.passed for slot in timeline.slots]),
        ("failed", [slot.failed for slot in timeline.slots]),
        ("not measured", [slot.not_measured for slot in timeline.slots]),
        ("users", [slot.users for slot in timeline.slots]),
    )
    lines: list[Line] = [
        (name, [_at(number, count, timeline, duration) for number, count in enumerate(counts)])
        for name, counts in kinds
    ]
    return _plot(lines, Unit.COUNT, _time_axis(duration), "Outcomes of steps over time")


def percentiles(histograms: Sequence[tuple[str, LatencyHistogram]]) -> LoadPlot:
    """Latency by percentile, each nine as wide as the one before."""
    shares = [1 - 10 ** (-number / 10) for number in range(41)]
    lines: list[Line] = [
        (name, [(_nines(each), found.quantile(each) or 0.0) for each in shares])
        for name, found in histograms
        if found.count
    ]
    axis = [(_nines(each), f"{each * 100:g} %") for each in _NINES]
    return _plot(lines, Unit.SECONDS, axis, "Latency by percentile")


def _at(number: int, count: int, timeline: Timeline, duration: float) -> tuple[float, float]:
    return (number + 0.5) * timeline.width / duration, float(count)


def _nines(share: float) -> float:
    return min(-math.log10(max(1 - share, 1e-4)) / 4, 1.0)


def _time_axis(duration: float) -> list[tuple[float, str]]:
    return [
        (number / _TICKS, show(duration * number / _TICKS, Unit.SECONDS) if number else "0")
        for number in range(_TICKS + 1)
    ]


def _plot(
    lines: Sequence[Line], unit: Unit, axis: Sequence[tuple[float, str]], title: str
) -> LoadPlot:
    top = max((value for _, points in lines for _, value in points), default=0.0) or 1.0
    heights = [HEIGHT - round(HEIGHT * number / _TICKS) for number in range(_TICKS + 1)]
    return LoadPlot(
        title=title,
        lines=tuple(
            PlotLine(name, f"c{number % COLOURS}", _path(points, top))
            for number, (name, points) in enumerate(lines)
            if points
        ),
        rules=tuple(heights),
        scale=tuple(
            PlotWord(show(top * number / _TICKS, unit) if number else "0", LEFT - 6, y + 4)
            for number, y in enumerate(heights)
        ),
        axis=tuple(PlotWord(text, round(LEFT + x * WIDTH), HEIGHT + FOOT - 3) for x, text in axis),
    )


def _path(points: Sequence[tuple[float, float]], top: float) -> str:
    placed = [
        f"{LEFT + min(max(x, 0.0), 1.0) * WIDTH:.1f} {HEIGHT * (1 - value / top):.1f}"
        for x, value in points
    ]
    return "M" + "L".join(placed)
