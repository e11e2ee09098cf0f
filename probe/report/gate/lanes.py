"""The timeline of the gate's page: a lane for each check, times below, and events across.

Places are percentages of the window, so that text keeps its size on a narrow screen.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from probe.core.model import Verdict
from probe.report.gate.model import GateReport, GateWindow, MarkerRow, TimelineRow
from probe.report.gate.phrases import MAX_EVENTS
from probe.report.text.time_format import clock, duration
from probe.report.text.units import DAY

LANE_HEIGHT = 14
# Labels of events that are closer than this share of the window would cover each other.
_LABEL_PERCENT = 4.0
_NAMED_STRETCHES = 5
# What each state is called, and how high it is: the worse, the higher, so that no colour is needed.
_STATES: Mapping[str, tuple[str, int]] = {
    "ok": ("ok", 8),
    "objective_missed": ("objective missed", 10),
    "warning": ("warning", 12),
    "critical": ("critical", 14),
    "unknown": ("unknown", 10),
    "none": ("no data", 3),
}


def timeline(report: GateReport) -> Mapping[str, Any]:
    """What the template draws. ``legend`` says what a cell is; without lanes it is empty."""
    rows = list(report.timeline)
    return {
        "height": LANE_HEIGHT,
        "lanes": [_lane(row, report.window) for row in rows],
        "lines": [f"{_percent(each.at, report.window):.2f}" for each in report.markers],
        "labels": list(_labels(report)),
        "ticks": list(_ticks(report.window)),
        "keys": [(name, words) for name, (words, _) in _STATES.items() if _occurs(name, rows)],
        "legend": _legend(rows, report),
    }


def _legend(rows: Sequence[TimelineRow], report: GateReport) -> str:
    if not rows:
        return ""
    cell = duration(report.window.planned / max(len(rows[0].cells), 1))
    crossing = "; dashed lines are events" if report.markers else ""
    return f"A cell is {cell}, its worst run counts{crossing}"


def _lane(row: TimelineRow, window: GateWindow) -> Mapping[str, Any]:
    cells, stretches, place = [], [], 0
    for verdict, same in groupby(row.cells):
        count, name = len(list(same)), _name(verdict)
        start, end = (100 * each / len(row.cells) for each in (place, place + count))
        height = _STATES[name][1]
        cells.append(
            {
                "name": name,
                "x": f"{start:.2f}",
                "width": f"{end - start:.2f}",
                "y": LANE_HEIGHT - height,
                "height": height,
            }
        )
        if name != "ok":
            stretches.append(f"{_STATES[name][0]} {_span(start, end, window)}")
        place += count
    return {"name": row.check, "cells": cells, "words": _words(stretches)}


def _words(stretches: Sequence[str]) -> str:
    """``critical 03:00 to 03:15``: what somebody hears who does not see the lane."""
    more = len(stretches) - _NAMED_STRETCHES
    rest = [f"{more} more"] if more > 0 else []
    return ", ".join([*stretches[:_NAMED_STRETCHES], *rest]) or "ok throughout"


def _span(start: float, end: float, window: GateWindow) -> str:
    moments = (window.start + window.planned * each / 100 for each in (start, end))
    return " to ".join(clock(each, window.start) for each in moments)


def _labels(report: GateReport) -> Iterator[Mapping[str, str]]:
    """The numbers of the events that are listed; neighbours share a label."""
    near: list[tuple[int, float]] = []
    for number, marker in enumerate(listed(report), 1):
        place = _percent(marker.at, report.window)
        if near and place - near[0][1] > _LABEL_PERCENT:
            yield _label(near)
            near = []
        near.append((number, place))
    if near:
        yield _label(near)


def listed(report: GateReport) -> Sequence[MarkerRow]:
    """The events that the page lists and numbers."""
    return report.markers[-MAX_EVENTS:]


def _label(near: Sequence[tuple[int, float]]) -> Mapping[str, str]:
    numbers = dict.fromkeys((str(near[0][0]), str(near[-1][0])))
    place = near[0][1]
    return {"x": f"{place:.2f}", "anchor": _anchor(place), "text": " to ".join(numbers)}


def _ticks(window: GateWindow) -> Iterator[Mapping[str, Any]]:
    """Those with a date are wide, so there are fewer of them; a phone has no room for the ``minor``
    ones."""
    count, major = (6, 3) if window.planned <= DAY else (4, 2)
    for tick in range(count + 1):
        place = 100 * tick / count
        yield {
            "x": f"{place:.2f}",
            "anchor": _anchor(place),
            "text": clock(window.start + window.planned * tick / count, window.start),
            "minor": tick % major != 0,
        }


def _anchor(place: float) -> str:
    """The outer ones would be cut off by the edges."""
    return "start" if place < 2 else "end" if place > 98 else "middle"


def _percent(at: float, window: GateWindow) -> float:
    part = (at - window.start) / window.planned if window.planned > 0 else 0.0
    return 100 * min(max(part, 0.0), 1.0)


def _name(verdict: Verdict | None) -> str:
    return verdict.value if verdict else "none"


def _occurs(name: str, rows: Sequence[TimelineRow]) -> bool:
    return any(_name(cell) == name for row in rows for cell in row.cells)
