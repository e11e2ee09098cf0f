"""Strips of cells in SVG: a check's day and a service's 90 days; the taller a cell the worse.

Height distinguishes states where colour does not. Nothing is drawn where nothing ran.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from msgspec import Struct

from probe.core.model import Verdict
from probe.history.uptime.model import BAR_DAYS, Uptime
from probe.report.html.templates import percent
from probe.report.status import StatusRow
from probe.report.text.headline import day_summary, worst
from probe.report.text.units import plural

STRIP = 18
DAYS = 30
TALL = {
    Verdict.OK: 10,
    Verdict.OBJECTIVE_MISSED: 10,
    Verdict.UNKNOWN: 14,
    Verdict.WARNING: 14,
    Verdict.CRITICAL: 18,
}
_TALL_DAYS: Mapping[Verdict | None, int] = {
    None: 4,
    Verdict.OK: 22,
    Verdict.UNKNOWN: 14,
    Verdict.WARNING: 26,
    Verdict.CRITICAL: 30,
}
# A day is critical from so much downtime on, and unknown if less than this share was measured.
BAD_DAY, MEASURED_DAY = 0.01, 0.5
# Shorter downtime, in seconds, is a clock's rounding.
_MIN_DOWN = 1.0
# How wide a day's bar is, the rest is the space to the next one.
_BAR = 0.72

_Value = TypeVar("_Value")
Run = tuple[Verdict | None, int, int]


class Bar(Struct, frozen=True):
    """The cells of one state: a path whose stroke is as wide as the cells are tall. ``width`` is
    that stroke's."""

    name: str
    path: str
    width: float


class StripPicture(Struct, frozen=True):
    """What the template draws; ``label`` says the same in words."""

    cells: int
    height: int
    bars: tuple[Bar, ...]
    label: str


def status_strip(row: StatusRow) -> StripPicture:
    """One cell for each stretch of the day."""
    runs = list(runs_of([worst(bucket) for bucket in row.day]))
    bars = tuple(bars_of(runs))
    return StripPicture(max(len(row.day), 1), STRIP, bars, f"Last 24 hours: {day_summary(row)}")


def day_bars(days: Sequence[Uptime]) -> StripPicture:
    """One bar for each day, on the right today; where there is no data yet there is none."""
    missing = [None] * (BAR_DAYS - len(days))
    states = [*missing, *(state_of_day(each) for each in days[-BAR_DAYS:])]
    bars = []
    for verdict, tall in _TALL_DAYS.items():
        at = [place for place, state in enumerate(states) if state is verdict]
        if at:
            path = "".join(f"M{place + 0.5:g} {DAYS}v-{tall}" for place in at)
            bars.append(Bar(verdict.value if verdict else "none", path, _BAR))
    return StripPicture(BAR_DAYS, DAYS, tuple(bars), _summary(states, days[-BAR_DAYS:]))


def state_of_day(found: Uptime) -> Verdict | None:
    """How a day is shown: critical from 1 % of downtime on, None without any data."""
    if found.up + found.down + found.unknown <= 0:
        return None
    if found.down >= _MIN_DOWN:
        return Verdict.CRITICAL if found.down >= BAD_DAY * found.measured else Verdict.WARNING
    if found.up < MEASURED_DAY * (found.up + found.unknown):
        return Verdict.UNKNOWN
    return Verdict.WARNING if found.degraded >= BAD_DAY * found.measured else Verdict.OK


def bars_of(runs: Sequence[Run]) -> list[Bar]:
    """The bars of each verdict that occurs, standing on the ground."""
    seen = {value for value, _, _ in runs}
    return [_bar(runs, verdict) for verdict in Verdict if verdict in seen]


def _bar(runs: Sequence[Run], wanted: Verdict) -> Bar:
    """One run of equal cells is one line, which takes half the bytes of rectangles."""
    path, end, tall = "", None, TALL[wanted]
    for value, start, length in runs:
        if value is wanted:
            path += f"M{start} {STRIP - tall // 2}" if end is None else f"m{start - end} 0"
            path += f"h{length}"
            end = start + length
    return Bar(wanted.value, path, tall)


def runs_of(values: Sequence[_Value]) -> "list[tuple[_Value, int, int]]":
    """Each run of equal values: the value, where it starts, how long it is."""
    found, start = [], 0
    for value, equal in groupby(values):
        length = len(list(equal))
        found.append((value, start, length))
        start += length
    return found


def _summary(states: Sequence[Verdict | None], days: Sequence[Uptime]) -> str:
    """``90 days: 99.95 % up; 2 days with downtime, 1 day unknown``."""
    if not any(states):
        return f"{plural(len(states), 'day')}: no data yet"
    up, down = sum(each.up for each in days), sum(each.down for each in days)
    bad = sum(each.down >= _MIN_DOWN for each in days)
    parts = [
        f"{percent(up / (up + down))} up" if up + down else "",
        f"{plural(bad, 'day')} with downtime" if bad else "no downtime",
        f"{plural(states.count(Verdict.UNKNOWN), 'day')} unknown"
        if Verdict.UNKNOWN in states
        else "",
        f"{plural(states.count(None), 'day')} without data" if None in states else "",
    ]
    return f"{plural(len(states), 'day')}: {', '.join(part for part in parts if part)}"
