"""A load in SVG: latencies over time and by percentile, outcomes over time. No script, no style."""

import math
from collections.abc import Sequence

from probe.core.model import Unit
from probe.load.measurement.histogram import LatencyHistogram
from probe.load.measurement.timeline import Timeline
from probe.report.html.markup import Markup, concat, element
from probe.report.text.units import show

WIDTH, HEIGHT, LEFT, FOOT = 720, 180, 64, 20
_TICKS = 4
_NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
COLOURS = 6

Line = tuple[str, Sequence[tuple[float, float]]]
"""A name, and points: x from 0 to 1, and a value."""


def over_time(timeline: Timeline, steps: Sequence[str], duration: float) -> Markup:
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


def outcomes(timeline: Timeline, duration: float) -> Markup:
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


def percentiles(histograms: Sequence[tuple[str, LatencyHistogram]]) -> Markup:
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
) -> Markup:
    top = max((value for _, points in lines for _, value in points), default=0.0) or 1.0
    drawn = [
        element("path", class_=f"line c{number % COLOURS}", d=Markup(_path(points, top)))
        for number, (_, points) in enumerate(lines)
        if points
    ]
    names = [
        element("span", name, class_=f"c{number % COLOURS}")
        for number, (name, points) in enumerate(lines)
        if points
    ]
    picture = element(
        "svg",
        _grid(top, unit),
        *(_label(x, text) for x, text in axis),
        *drawn,
        viewBox=f"0 0 {LEFT + WIDTH + 30} {HEIGHT + FOOT}",
        role="img",
        aria_label=title,
        class_="load",
    )
    return element("figure", element("h2", title), element("p", *names, class_="names"), picture)


def _grid(top: float, unit: Unit) -> Markup:
    found: list[Markup] = []
    for number in range(_TICKS + 1):
        y = HEIGHT - round(HEIGHT * number / _TICKS)
        words = show(top * number / _TICKS, unit) if number else "0"
        found.append(element("path", class_="rule", d=Markup(f"M{LEFT} {y}h{WIDTH}")))
        found.append(element("text", words, x=LEFT - 6, y=y + 4, text_anchor="end"))
    return concat(found)


def _label(x: float, words: str) -> Markup:
    return element(
        "text", words, x=round(LEFT + x * WIDTH), y=HEIGHT + FOOT - 3, text_anchor="middle"
    )


def _path(points: Sequence[tuple[float, float]], top: float) -> str:
    placed = [
        f"{LEFT + min(max(x, 0.0), 1.0) * WIDTH:.1f} {HEIGHT * (1 - value / top):.1f}"
        for x, value in points
    ]
    return "M" + "L".join(placed)
