"""A load's charts as data that the template draws: over time, and by percentile."""

import math
from collections.abc import Sequence

from msgspec import Struct

from probe.core.model import Unit
from probe.load.measurement.histogram import LatencyHistogram
from probe.load.measurement.timeline import Timeline
from probe.report.text.units import show

WIDTH, HEIGHT, LEFT, FOOT, RIGHT = 720, 180, 64, 20, 30
_TICKS = 4
_NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
_COLOURS = 6

Line = tuple[str, Sequence[tuple[float, float]]]
"""A name, and points: x from 0 to 1, and a value."""


class LoadCurve(Struct, frozen=True):
    """One line of a chart: its name, the number of its colour, an SVG path."""

    name: str
    colour: int
    path: str


class AxisRule(Struct, frozen=True):
    """A horizontal rule with its value."""

    y: int
    label: str


class AxisMark(Struct, frozen=True):
    """A mark of the horizontal axis."""

    x: int
    label: str


class LoadChart(Struct, frozen=True):
    """One chart, in pixels."""

    title: str
    lines: tuple[LoadCurve, ...]
    rules: tuple[AxisRule, ...]
    marks: tuple[AxisMark, ...]
    left: int = LEFT
    plot_width: int = WIDTH
    width: int = LEFT + WIDTH + RIGHT
    height: int = HEIGHT + FOOT


def over_time(timeline: Timeline, steps: Sequence[str], duration: float) -> LoadChart:
    """The p95 of each step in each slot."""
    lines: list[Line] = []
    for step in steps:
        points = [
            ((number + 0.5) * timeline.width / duration, value)
            for number, slot in enumerate(timeline.slots)
            if (value := slot.quantile(step, 0.95)) is not None
        ]
        lines.append((step, points))
    return _chart(lines, Unit.SECONDS, _time_axis(duration), "p95 of each step over time")


def outcomes(timeline: Timeline, duration: float) -> LoadChart:
    """Steps that passed, failed or could not be measured, and users, in each slot."""
    kinds = (
        ("passed", [slot.passed for slot in timeline.slots]),
        ("failed", [slot.failed for slot in timeline.slots]),
        ("not measured", [slot.not_measured for slot in timeline.slots]),
        ("users", [slot.users for slot in timeline.slots]),
    )
    lines: list[Line] = [
        (
            name,
            [
                ((number + 0.5) * timeline.width / duration, float(count))
                for number, count in enumerate(counts)
            ],
        )
        for name, counts in kinds
    ]
    return _chart(lines, Unit.COUNT, _time_axis(duration), "Outcomes of steps over time")


def percentiles(histograms: Sequence[tuple[str, LatencyHistogram]]) -> LoadChart:
    """Latency by percentile, each nine as wide as the one before."""
    shares = [1 - 10 ** (-number / 10) for number in range(41)]
    lines: list[Line] = [
        (name, [(_nines(each), found.quantile(each) or 0.0) for each in shares])
        for name, found in histograms
        if found.count
    ]
    axis = [(_nines(each), f"{each * 100:g} %") for each in _NINES]
    return _chart(lines, Unit.SECONDS, axis, "Latency by percentile")


def _nines(share: float) -> float:
    return min(-math.log10(max(1 - share, 1e-4)) / 4, 1.0)


def _time_axis(duration: float) -> list[tuple[float, str]]:
    return [
        (number / _TICKS, show(duration * number / _TICKS, Unit.SECONDS) if number else "0")
        for number in range(_TICKS + 1)
    ]


def _chart(
    lines: Sequence[Line], unit: Unit, axis: Sequence[tuple[float, str]], title: str
) -> LoadChart:
    top = max((value for _, points in lines for _, value in points), default=0.0) or 1.0
    return LoadChart(
        title=title,
        lines=tuple(
            LoadCurve(name, number % _COLOURS, _path(points, top))
            for number, (name, points) in enumerate(lines)
            if points
        ),
        rules=tuple(
            AxisRule(
                HEIGHT - round(HEIGHT * number / _TICKS),
                show(top * number / _TICKS, unit) if number else "0",
            )
            for number in range(_TICKS + 1)
        ),
        marks=tuple(AxisMark(round(LEFT + x * WIDTH), text) for x, text in axis),
    )


def _path(points: Sequence[tuple[float, float]], top: float) -> str:
    placed = [
        f"{LEFT + min(max(x, 0.0), 1.0) * WIDTH:.1f} {HEIGHT * (1 - value / top):.1f}"
        for x, value in points
    ]
    return "M" + "L".join(placed)
