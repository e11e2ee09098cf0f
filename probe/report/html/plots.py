"""A check's last 24 hours in SVG: its verdicts, and how long it took.

Drawn without a script and without styles of its own: classes only. Widths are those of the
page (shapes stretch, words don't), heights are pixels.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeVar

from probe.core.model import Limits, Verdict
from probe.history.model import TimeBucket
from probe.report.html.axis import Scale, listed, numbers, scale_of
from probe.report.html.markup import NOTHING, Markup, concat, element, truncate
from probe.report.status import Overview, StatusRow
from probe.report.text.headline import day_summary, worst
from probe.report.text.time_format import clock, duration
from probe.report.text.units import show

HEIGHT, FOOT = 96, 16
STRIP = 18
_TALL = {
    Verdict.OK: 10,
    Verdict.OBJECTIVE_MISSED: 10,
    Verdict.UNKNOWN: 14,
    Verdict.WARNING: 14,
    Verdict.CRITICAL: 18,
}
_SHADED = (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN)
_LINE, _TOP = 12, 10
# So near to an end, in percent, half of an hour's digits would stick out.
_EDGE = 6
_SIX_HOURS = 6 * 3600
LIMITS = ("objective", "warning", "critical")

_Value = TypeVar("_Value")
_Run = tuple[Verdict | None, int, int]


def status_strip(row: StatusRow) -> Markup:
    """One cell for each stretch of the day, the taller the worse, none where nothing ran."""
    runs = list(_runs([worst(bucket) for bucket in row.day]))
    seen = {value for value, _, _ in runs}
    drawn = [_bars(runs, verdict, _TALL[verdict], STRIP) for verdict in Verdict if verdict in seen]
    return element(
        "svg",
        *drawn,
        class_="strip",
        viewBox=f"0 0 {max(len(row.day), 1)} {STRIP}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Last 24 hours: {day_summary(row)}",
    )


def legend(overview: Overview) -> Markup:
    """What the cells of a strip mean."""
    cells = max((len(row.day) for row in overview.rows), default=0)
    if not cells:
        return NOTHING
    each = duration((overview.now - overview.day_start) / cells)
    keys = [concat((_key(verdict), " ", verdict.value.replace("_", " "))) for verdict in Verdict]
    words = f"24 hours, a cell is {each}, its worst run counts; none: nothing ran. "
    return element("p", words, *(element("span", key) for key in keys), class_="legend")


def _key(verdict: Verdict) -> Markup:
    cell = _bars([(verdict, 0, 1)], verdict, _TALL[verdict], STRIP)
    return element(
        "svg",
        cell,
        class_="key",
        viewBox=f"0 0 1 {STRIP}",
        aria_hidden="true",
        preserveAspectRatio="none",
    )


def plot(row: StatusRow, overview: Overview) -> Markup | None:
    """Median and greatest value of each stretch, with the limits; None without any value."""
    signal, limits = row.plot, row.limits or Limits()
    scale = scale_of(row.day, signal, limits) if signal else None
    if signal is None or scale is None:
        return None
    return element(
        "div",
        _axis(scale, row),
        element(
            "svg",
            _shapes(row.day, scale),
            _limits(row, limits, scale),
            _hours(overview),
            class_="area",
            height=HEIGHT + FOOT,
        ),
        class_="plot",
        aria_hidden="true",
    )


def plot_summary(row: StatusRow, overview: Overview) -> str:
    """A text alternative of the plot, shown below it."""
    signal = row.plot
    medians = sorted(numbers(bucket.median for bucket in row.day))
    if signal is None or not medians:
        return ""
    name = truncate(signal.column or signal.name, 60)
    typical = show(medians[len(medians) // 2], signal.unit)
    return f"{name}: typically {typical}{_peak(row, overview)}"


def off_scale_limits(row: StatusRow) -> list[str]:
    """The limits that are too far from the data to be drawn."""
    signal, limits = row.plot, row.limits or Limits()
    scale = scale_of(row.day, signal, limits) if signal else None
    if signal is None or scale is None:
        return []
    return [
        f"{name} limit {show(value, signal.unit)} is beyond the scale"
        for name, value in _named(limits)
        if not scale.holds(value)
    ]


def _peak(row: StatusRow, overview: Overview) -> str:
    peaks = [(peak, -at) for at, each in enumerate(row.day) for peak in numbers([each.greatest])]
    if not peaks or row.plot is None:
        return ""
    greatest, at = max(peaks)
    step = (overview.now - overview.day_start) / len(row.day)
    moment = clock(overview.day_start - at * step, overview.now)
    return f", at most {show(greatest, row.plot.unit)} (about {moment} UTC)"


def _axis(scale: Scale, row: StatusRow) -> Markup:
    unit = row.plot.unit if row.plot else None
    words = [
        element("text", show(tick, unit) if tick and unit else "0", x="100%", y=_y(scale, tick) + 4)
        for tick in scale.ticks
    ]
    return element("svg", *words, class_="axis", height=HEIGHT + FOOT)


def _grid(scale: Scale, cells: int) -> Markup:
    lines = "".join(f"M0 {_y(scale, tick)}h{cells}" for tick in scale.ticks)
    return element("path", class_="grid", d=Markup(lines))


def _shapes(day: Sequence[TimeBucket], scale: Scale) -> Markup:
    runs = list(_runs([worst(bucket) for bucket in day]))
    seen = {value for value, _, _ in runs}
    shaded = [_bars(runs, verdict, HEIGHT, HEIGHT) for verdict in _SHADED if verdict in seen]
    greatest = [_height(bucket.greatest, scale) for bucket in day]
    median = [_height(bucket.median, scale) for bucket in day]
    return element(
        "svg",
        _grid(scale, len(day)),
        *shaded,
        element("path", class_="greatest", d=_steps(greatest, from_bottom=True)),
        element("path", class_="median", d=_steps(median, from_bottom=False)),
        width="100%",
        height=HEIGHT,
        viewBox=f"0 0 {len(day)} {HEIGHT}",
        preserveAspectRatio="none",
    )


def _limits(row: StatusRow, limits: Limits, scale: Scale) -> Markup:
    """Dashed lines, each with its name; names of lines that are close move apart."""
    drawn: list[Markup] = []
    lowest = _TOP - _LINE
    for name, value in sorted(_named(limits), key=lambda each: -each[1]):
        if row.plot is None or not scale.holds(value):
            continue
        y = _y(scale, value)
        lowest = max(y - 3, lowest + _LINE)
        words = f"{name} {show(value, row.plot.unit)}"
        drawn.append(element("line", class_=f"limit {name}", x2="100%", y1=y, y2=y))
        drawn.append(element("text", words, class_="name", x="100%", y=lowest))
    return concat(drawn)


def _named(limits: Limits) -> list[tuple[str, float]]:
    values = (limits.objective, limits.warning, limits.critical)
    drawable = listed(limits)
    return [(name, value) for name, value in zip(LIMITS, values, strict=True) if value in drawable]


def _hours(overview: Overview) -> Markup:
    """Every six hours of UTC, where they are on the way from the day's start to now."""
    span = overview.now - overview.day_start
    drawn: list[Markup] = []
    for moment in _six_hours(overview.day_start, overview.now):
        share = 100 * (moment - overview.day_start) / span
        edge = "first" if share < _EDGE else "last" if share > 100 - _EDGE else None
        words = clock(moment, moment)
        x = f"{share:.1f}%"
        drawn.append(element("text", words, x=x, y=HEIGHT + FOOT - 3, class_=edge))
    return concat(drawn)


def _six_hours(start: float, end: float) -> Iterator[float]:
    first = int(-(-start // _SIX_HOURS)) * _SIX_HOURS
    yield from range(first, int(end) + 1, _SIX_HOURS)


def _bars(runs: Sequence[_Run], wanted: Verdict, tall: int, ground: int) -> Markup:
    """Bars that stand on the ground, one for each run of equal cells: lines as thick as the
    bars are tall, which takes half the bytes of rectangles."""
    path, end = "", None
    for value, start, length in runs:
        if value is wanted:
            path += f"M{start} {ground - tall // 2}" if end is None else f"m{start - end} 0"
            path += f"h{length}"
            end = start + length
    return element("path", class_=wanted.value, d=Markup(path), stroke_width=tall)


def _steps(heights: Sequence[int | None], *, from_bottom: bool) -> Markup:
    """A line of steps, broken where nothing was measured; ``from_bottom`` makes it the top
    of an area."""
    path, before = "", None
    for height, start, length in _runs(heights):
        if height is None:
            path += f"V{HEIGHT}" if before is not None and from_bottom else ""
        elif before is None:
            path += f"M{start} {HEIGHT}V{height}" if from_bottom else f"M{start} {height}"
            path += f"h{length}"
        else:
            path += f"v{height - before}h{length}"
        before = height
    return Markup(f"{path}V{HEIGHT}" if before is not None and from_bottom else path)


def _runs(values: Sequence[_Value]) -> Iterator[tuple[_Value, int, int]]:
    """Each run of equal values: the value, where it starts, how long it is."""
    start = 0
    for value, equal in groupby(values):
        length = len(list(equal))
        yield value, start, length
        start += length


def _height(value: float | None, scale: Scale) -> int | None:
    return _y(scale, value) if value is not None and math.isfinite(value) else None


def _y(scale: Scale, value: float) -> int:
    return round((HEIGHT - 1) * (1 - scale.share(value)))
